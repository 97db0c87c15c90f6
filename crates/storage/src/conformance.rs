//! The conformance suite: what every backend must do, one behaviour for each function, named as a sentence.
//!
//! A backend's tests call `kanca_storage::conformance_tests!(crate::make)`, where `make` is an async function that
//! returns a fresh, empty storage and something that keeps it alive (such as a temporary directory). It needs `tokio`
//! as a dependency of the tests. Nothing here knows a backend; time and ids are made by [`World`], so nothing sleeps.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "these are tests, in a library for their reuse")]

pub mod accounts;
pub mod batches;
pub mod claims;
pub mod conservation;
pub mod conversations;
pub mod endpoints;
pub mod event_types;
pub mod events;
pub mod inboxes;
pub mod lists;
pub mod machine;
pub mod manual;
pub mod ordering;
pub mod outcomes;
pub mod replays;
pub mod retention;
pub mod scenarios;
pub mod turns;
pub mod whole;
pub mod world;

pub use world::World;

macro_rules! behaviours {
    ($d:tt $($module:ident: $($name:ident)*;)*) => {
        /// Makes one `#[tokio::test]` for each behaviour. Takes the absolute path of the function that makes a storage.
        #[macro_export]
        macro_rules! conformance_tests {
            ($d make:path) => {
                $(mod $module {$(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $name() {
                        let (storage, _kept) = $d make().await;
                        let world = $crate::conformance::World::new(storage.clone()).await;
                        $crate::conformance::$module::$name(&world).await;
                    }
                )*})*
            };
        }

        /// The names of all behaviours, with their subject.
        pub const BEHAVIOURS: &[(&str, &str)] = &[$($((stringify!($module), stringify!($name)),)*)*];
    };
}

behaviours! { $
    accounts:
        a_project_is_stored_with_its_first_key
        a_project_whose_key_cannot_be_stored_is_not_stored
        an_update_replaces_a_projects_name_and_options
        projects_are_listed_oldest_first
        a_user_is_found_by_email
        a_user_is_replaced_by_id
        an_email_belongs_to_one_user
        saving_a_user_ends_the_sessions_and_uses_up_the_link
        a_link_that_was_used_up_changes_nothing
        a_session_lives_until_it_expires
        a_deleted_session_is_gone
        keys_belong_to_their_project
        the_use_of_keys_is_noted
        settings_are_kept_replaced_and_removed;
    endpoints:
        an_endpoint_is_kept_as_it_is
        an_outage_is_remembered_until_it_ends
        an_update_replaces_an_endpoint
        an_endpoint_is_changed_only_by_its_project
        deleting_an_endpoint_cancels_what_is_pending
        deliveries_of_a_deleted_endpoint_keep_its_last_name
        an_outcome_after_the_deletion_keeps_the_attempt
        an_event_matched_before_the_deletion_makes_no_pending_delivery
        without_ordering_held_deliveries_are_let_go
        counts_name_each_endpoint_of_the_project;
    event_types:
        an_event_type_is_kept_as_it_is
        a_name_is_taken_in_its_project_only
        an_event_type_is_replaced_and_deleted_only_by_its_project;
    events:
        an_event_and_its_deliveries_are_stored_together
        an_event_that_cannot_be_stored_leaves_nothing
        a_failing_event_does_not_touch_those_that_came_with_it
        data_survives_byte_for_byte
        a_mebibyte_of_data_survives
        the_timestamp_keeps_every_digit
        the_same_content_under_the_same_key_is_stored_once
        another_content_under_the_same_key_is_told
        a_key_is_free_again_after_a_day
        keys_of_other_projects_do_not_matter
        callers_with_the_same_key_at_once_store_one_event
        old_keys_are_forgotten_in_portions
        events_are_listed_newest_first_and_without_data
        events_are_listed_by_their_exact_type
        pages_of_events_are_stable_while_events_arrive
        events_show_their_deliveries_by_status
        explanations_are_kept
        events_belong_to_their_project
        events_are_counted_since_an_instant;
    batches:
        events_that_come_together_are_all_stored
        no_event_at_all_is_no_error
        of_events_that_come_together_all_or_none_are_stored
        a_taken_key_among_them_stores_none
        repetitions_among_them_are_told_apart
        events_of_a_key_that_come_together_wait_for_one_another;
    machine:
        deliveries_follow_the_state_machine;
    claims:
        what_is_due_is_handed_out_once_and_earliest_first
        what_is_not_due_yet_says_when_it_will_be
        the_limit_leaves_the_rest_and_says_so
        what_the_caller_took_when_accepting_is_not_handed_out
        a_held_delivery_that_the_caller_took_is_its_own_when_promoted
        released_deliveries_are_handed_out_again
        deliveries_are_claimed_by_name_whatever_their_due_time
        held_claimed_ended_and_unknown_deliveries_are_not_claimed_by_name
        callers_at_once_never_get_the_same_delivery
        each_endpoint_has_its_own_queue
        a_claim_carries_all_that_an_attempt_needs
        what_is_due_behind_thousands_of_claims_is_found
        a_delivery_that_becomes_due_before_claimed_ones_is_found
        an_event_without_ordering_waits_for_nobody
        a_dropped_call_gives_its_claims_back;
    outcomes:
        a_success_ends_a_delivery
        a_retry_uses_one_step_and_waits_until_due
        a_failure_ends_a_delivery
        a_delivery_can_end_without_an_attempt
        an_outcome_of_an_unknown_delivery_is_not_found
        what_is_skipped_ends_cancelled_and_lets_the_next_go
        a_late_outcome_keeps_the_attempt_and_not_the_verdict
        attempts_are_kept_as_they_were
        attempts_are_listed_oldest_first;
    ordering:
        the_first_of_a_key_starts_and_the_others_wait
        each_end_lets_the_next_one_go_in_order
        a_retry_keeps_the_key_waiting
        one_that_was_held_starts_no_sooner_than_it_was_to
        keys_and_endpoints_do_not_wait_for_one_another
        held_deliveries_are_never_due
        of_callers_at_once_one_starts_for_each_key
        events_of_one_turn_wait_for_one_another
        a_delivery_that_was_let_go_lets_nobody_else_go
        a_held_delivery_names_the_one_before_it;
    manual:
        a_pending_delivery_is_tried_early
        a_held_delivery_stays_held
        a_failed_delivery_is_tried_once_more_and_delivered
        a_manual_attempt_that_fails_restores_what_was
        a_manual_attempt_holds_nobody_up
        a_manual_attempt_can_be_let_go_and_taken_again
        a_manual_attempt_follows_no_schedule
        a_skipped_delivery_is_sent_again_from_the_start
        a_cancelled_delivery_cannot_be_tried
        a_delivery_of_a_deleted_endpoint_cannot_be_tried
        a_delivery_is_retried_only_by_its_project;
    replays:
        a_selection_holds_what_meets_all_its_conditions
        what_is_sent_again_has_its_whole_schedule_before_it
        what_was_skipped_is_sent_again_with_its_whole_schedule_before_it
        what_is_sent_again_is_found_when_it_is_due
        what_is_sent_again_under_one_key_goes_in_order_and_holds_up_nobody_else
        a_replay_is_remembered_until_it_is_finished
        events_without_a_delivery_are_found_and_get_one
        nothing_is_sent_again_to_a_deleted_endpoint
        a_large_backlog_is_cancelled_in_steps
        only_what_was_deleted_is_cancelled;
    lists:
        deliveries_are_listed_newest_first
        deliveries_are_filtered_by_all_given_conditions
        pages_of_deliveries_hold_each_one_once
        deliveries_belong_to_their_project;
    conservation:
        counts_equal_a_recount_after_anything
        one_delivery_of_a_key_runs_after_anything;
    inboxes:
        an_inbox_is_kept_as_it_is
        a_slug_is_taken_in_every_project
        an_update_replaces_an_inbox
        an_inbox_is_changed_only_by_its_project
        a_request_is_kept_byte_for_byte
        an_inbox_keeps_its_newest_requests
        an_inbox_keeps_what_fits
        the_newest_request_stays_whatever_its_size
        the_limit_holds_when_requests_come_at_once
        requests_are_listed_newest_first_in_pages
        a_stream_resumes_after_the_last_request
        a_request_is_deleted_alone
        an_inbox_is_cleared
        a_deleted_inbox_takes_its_requests_along_and_frees_its_slug
        requests_belong_to_their_project;
    retention:
        an_old_event_goes_with_its_deliveries_and_attempts
        an_event_that_is_not_ended_stays_whole
        old_events_are_dropped_in_portions
        much_is_not_dropped_at_once
        an_event_whose_outcome_is_on_its_way_stays
        events_are_dropped_only_in_their_project
        the_oldest_events_of_all_projects_go_first
        the_oldest_go_first_whether_event_or_request
        large_requests_go_one_by_one
        what_is_dropped_gives_its_room_back
        old_requests_go_and_are_no_longer_counted;
    scenarios:
        a_bot_is_kept_as_it_is
        an_update_of_a_bot_keeps_its_secret
        a_scenario_is_kept_as_it_is
        scenarios_are_listed_newest_first_without_drafts
        a_draft_is_not_overwritten_by_whoever_is_behind
        a_scenario_is_renamed
        publishing_freezes_a_numbered_version
        publishing_an_unknown_scenario_is_not_found
        test_versions_have_no_number_and_are_not_listed
        a_deleted_scenario_keeps_the_versions_that_conversations_run
        deleting_a_bot_ends_its_conversations
        bots_and_scenarios_belong_to_their_project;
    turns:
        the_first_turn_stores_everything
        a_later_turn_replaces_the_conversation
        a_turn_that_was_passed_by_leaves_nothing
        of_two_owners_one_wins
        a_message_number_is_given_once
        a_client_id_is_taken_once_in_a_conversation
        a_turn_records_the_outcome_that_led_to_it
        a_turn_with_an_unknown_delivery_leaves_nothing
        a_turn_answers_for_each_event_in_order
        an_external_id_belongs_to_one_contact_of_a_bot
        conversations_that_share_a_contact_do_not_undo_each_others_attributes;
    conversations:
        messages_are_read_in_order_after_a_number
        texts_survive_whatever_they_hold
        conversations_are_listed_newest_first_with_their_last_message
        conversations_are_filtered_by_bot_and_end
        timers_are_due_earliest_first
        an_ended_conversation_has_no_timer
        conversations_are_counted
        conversations_belong_to_their_project;
    whole:
        the_newest_id_is_known_for_every_kind
        the_newest_id_does_not_count_what_was_not_stored
        a_probe_succeeds
        after_closing_nothing_is_available;
}
