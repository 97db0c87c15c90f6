import type { Component } from 'svelte';
import type { RouteDefinition } from 'svelte-spa-router';
import { wrap } from 'svelte-spa-router/wrap';
import ConversationsPage from '../conversations/ConversationsPage.svelte';
import DeliveriesPage from '../events/DeliveriesPage.svelte';
import DeliveryPage from '../events/DeliveryPage.svelte';
import EventPage from '../events/EventPage.svelte';
import EventTypePage from '../event-types/EventTypePage.svelte';
import EventTypesPage from '../event-types/EventTypesPage.svelte';
import EventsPage from '../events/EventsPage.svelte';
import InboxesPage from '../inboxes/InboxesPage.svelte';
import InboxPage from '../inboxes/InboxPage.svelte';
import InboxSettingsPage from '../inboxes/InboxSettingsPage.svelte';
import OverviewPage from '../overview/OverviewPage.svelte';
import SettingsPage from '../settings/SettingsPage.svelte';
import EditWebhookPage from '../webhooks/EditWebhookPage.svelte';
import NewWebhookPage from '../webhooks/NewWebhookPage.svelte';
import WebhookPage from '../webhooks/WebhookPage.svelte';
import WebhooksPage from '../webhooks/WebhooksPage.svelte';
import NotFound from './NotFound.svelte';
import RouteLoading from './RouteLoading.svelte';

type Module = Promise<{ default: Component<any> }>;
const lazy = (load: () => Module) => wrap({ asyncComponent: load, loadingComponent: RouteLoading });

/** The panel's pages by hash path. The scenario pages carry the canvas and come as chunks of their own. */
export const routes: RouteDefinition = {
  '/': OverviewPage,
  '/conversations/:id?': ConversationsPage,
  '/scenarios': lazy(() => import('../scenarios/ScenariosPage.svelte')),
  '/scenarios/:id': lazy(() => import('../scenarios/ScenarioPage.svelte')),
  '/webhooks': WebhooksPage,
  '/webhooks/new': NewWebhookPage,
  '/webhooks/:id': WebhookPage,
  '/webhooks/:id/edit': EditWebhookPage,
  '/events': EventsPage,
  '/events/:id': EventPage,
  '/deliveries': DeliveriesPage,
  '/deliveries/:id': DeliveryPage,
  '/event-types': EventTypesPage,
  '/event-types/new': EventTypePage,
  '/event-types/type/:name': EventTypePage,
  '/inboxes': InboxesPage,
  '/inboxes/:id': InboxPage,
  '/inboxes/:id/settings': InboxSettingsPage,
  '/inboxes/:id/requests/:request': InboxPage,
  '/settings/:tab?': SettingsPage,
  '*': NotFound,
};
