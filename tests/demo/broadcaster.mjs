// broadcaster: the tests' server of the Pusher protocol, for good: where Reverb would be.

import { startPusher } from '../integration/lib/pusher-server.mjs';

/** As these settings (REVERB_*) say. */
export const startBroadcaster = (settings) => startPusher({ port: Number(settings.REVERB_PORT), remember: 100,
  app: { id: settings.REVERB_APP_ID, key: settings.REVERB_APP_KEY, secret: settings.REVERB_APP_SECRET } });
