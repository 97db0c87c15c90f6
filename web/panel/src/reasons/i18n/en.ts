/** Why things are as they are, English. The keys after the full stop are the API's codes. */
export default {
  'attempt.success': 'Delivered: the receiver answered {status}.',
  'attempt.http_status': 'The receiver answered {status}. {advice}',
  'attempt.redirect': 'The receiver answered with a redirect, which is not followed. Enter the final URL in the webhook.',
  'attempt.timeout': 'The receiver did not answer in time. It should answer first and do its work afterwards.',
  'attempt.refused': 'The connection was refused. Start the receiver, or correct the URL’s host and port.',
  'attempt.unreachable': 'There is no way to the receiver’s address. Check the URL, the firewall and this machine’s network.',
  'attempt.dns': 'The receiver’s name leads to no address. Check the URL’s spelling and the name’s DNS records.',
  'attempt.tls':
    'No secure connection could be made. Check that the receiver’s certificate is valid for the URL’s host, complete (with its intermediates) and not expired.',
  'attempt.reset':
    'The receiver closed the connection before its answer was complete. Look in its log for a crash, or for a proxy that cuts connections off.',
  'attempt.blocked_address':
    'Nothing was sent: the receiver’s address is not allowed. Whoever runs Kanca can open private ranges with KANCA_ALLOW_PRIVATE_NETWORKS.',
  'attempt.proxy_unreachable': 'The webhook’s proxy cannot be reached. Start the proxy, or correct its host and port in the webhook.',
  'attempt.proxy_auth':
    'The webhook’s proxy does not let Kanca in. Correct the proxy’s user name and password in the webhook.',
  'attempt.proxy_refused':
    'The webhook’s proxy did not connect to the receiver. Allow the receiver’s address and port in the proxy, or look in the proxy’s log.',
  'attempt.proxy_answer':
    'The webhook’s proxy answered what Kanca cannot understand. Check that its URL’s scheme (http or socks5) and port are right.',
  'attempt.too_large_response': 'The receiver’s answer is too large. Answer with a status and little or no body.',
  'attempt.too_large_request': 'Nothing was sent: the event is too large for the webhook’s format.',
  'attempt.transformation':
    'The webhook’s transformation failed, so nothing was sent. Mend it; the delivery is tried again by its schedule.',
  'attempt.skipped': 'The webhook’s transformation skipped this event, so nothing was sent.',
  'attempt.protocol': 'The answer is not proper HTTP/1.1. Check that the URL’s scheme (http or https) and port are right.',
  'attempt.loop':
    'The event has come round too often, so it was not sent again. An inbox’s answer or scenario causes the very event that fills it; break that circle.',
  'attempt.shutdown': 'Kanca was stopped during the attempt. It will be repeated by itself; no step is used up.',
  'attempt.internal': 'Kanca failed to make the attempt. It will be repeated; if that goes on, look in Kanca’s log.',
  'status.400': 'It did not understand the event; look at its answer and at the webhook’s format.',
  'status.401': 'It does not let Kanca in; check the webhook’s secret and its headers.',
  'status.404': 'There is nothing at this URL; correct the URL’s path.',
  'status.405': 'It does not accept POST at this URL; correct the URL’s path.',
  'status.410': 'It says that this URL is gone for good; delete the webhook or change its URL.',
  'status.413': 'The event is too large for it; raise its limit or send less data.',
  'status.415': 'It does not read this format; choose another one in the webhook.',
  'status.later': 'It asks to come back later; that is done by itself.',
  'status.down': 'It, or what stands behind its proxy, is down or busy; look there.',
  'status.refused': 'It refused the event; its answer may say why.',
  'status.failed': 'It failed; look in its log.',
  'status.other': 'Only a status from 200 to 299 counts as delivered.',
  'event.disabled': 'This webhook was disabled when the event was published, so no delivery was made.',
  'event.not_subscribed': 'This webhook does not subscribe to {event_type}.',
  'event.subscribed_later':
    'This webhook subscribes to {event_type} now, and did not when the event was published. Recover makes a delivery.',
  'event.created_later': 'This webhook was created after the event. Recover makes a delivery, if it subscribes to the type.',
  'event.filtered_out': 'Its filter does not let this event pass:',
  'event.filter_failed': 'Its filter failed, so the event was delivered anyway:',
  'event.addressed': '{event_type} goes only to the webhook of the block that makes it, never by subscription.',
  'event.block_webhook_deleted': 'The webhook that this block calls was deleted.',
  'event.block_webhook_disabled': 'The webhook that this block calls is disabled.',
  'event.no_webhook': 'This project had no webhook when the event was published. Create one to receive such events.',
  'event.nobody_subscribes': 'No webhook of this project subscribed to {event_type}.',
  'event.test': 'A test, sent by hand to “{webhook}” only.',
  'event.data_mismatch': 'Warning: the data is not as the schema of {event_type} says. Mend what publishes it, or change the schema. What is wrong:',
  'event.unregistered_type': '{event_type} is not a registered event type, so its data is not checked.',
  'disabled.by_hand': 'Disabled by hand.',
  'disabled.gone': 'The receiver answered 410 Gone: it wants no more events.',
  'disabled.failing':
    'Every attempt failed for as long as this webhook is allowed to fail. Mend the receiver, then set this webhook active again.',
  'disabled.inbox_deleted': 'The inbox that it pointed to was deleted.',
} as const satisfies Record<string, string>;
