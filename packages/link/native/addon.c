// SPDX-License-Identifier: Apache-2.0
// The addon: system calls and the answering thread for JavaScript. What it exports is typed in src/native.ts.
#include "napi-support.h"

NAPI_MODULE_INIT() {
  bool is_complete = export_sockets(env, exports) && export_polls(env, exports) && export_responder(env, exports) &&
                     export_decision(env, exports) && export_program(env, exports) && export_heartbeat(env, exports) &&
                     export_fence(env, exports) && export_watchdog(env, exports) && export_spread(env, exports) &&
                     export_conntrack(env, exports) && export_packet(env, exports);
  if (!is_complete) napi_throw_error(env, "ERR_ADDON", "link: the addon could not export its functions");
  return exports;
}
