// SPDX-License-Identifier: Apache-2.0
// What other bindings need of the responder's: the engine behind its handle.
#ifndef BERTH_RESPONDER_BINDING_H
#define BERTH_RESPONDER_BINDING_H

#include <node_api.h>

#include "engine.h"

// The engine of an open responder. NULL with a pending exception for a closed one.
struct engine *engine_of(napi_env env, napi_value responder);

#endif
