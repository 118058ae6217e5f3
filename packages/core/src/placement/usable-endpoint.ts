// SPDX-License-Identifier: Apache-2.0
/** Which nodes have an endpoint that can serve a Service, read from its EndpointSlices. */

/** The parts of an EndpointSlice (discovery.k8s.io/v1) that are looked at. */
export interface EndpointSliceFacts {
  readonly endpoints?: readonly EndpointFacts[] | null | undefined;
}

export interface EndpointFacts {
  readonly nodeName?: string | null | undefined;
  readonly conditions?:
    | { readonly ready?: boolean | null | undefined; readonly serving?: boolean | null | undefined }
    | undefined;
}

/**
 * Whether new connections may go to the endpoint: it is ready (absent means yes), or it still serves while it
 * terminates.
 */
export function isUsable(endpoint: EndpointFacts): boolean {
  const { ready, serving } = endpoint.conditions ?? {};
  return (ready ?? true) || serving === true;
}

/** Names of the nodes with a usable endpoint in any of the slices. An endpoint without a node counts for none. */
export function nodesWithEndpoint(slices: readonly EndpointSliceFacts[]): ReadonlySet<string> {
  const usable = slices.flatMap((slice) => slice.endpoints ?? []).filter(isUsable);
  return new Set(usable.flatMap((endpoint) => endpoint.nodeName ?? []));
}
