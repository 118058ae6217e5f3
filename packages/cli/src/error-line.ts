// SPDX-License-Identifier: Apache-2.0
/** An error in one line for people: what is wrong, and what to do where that is known. */
import { isKubeError, type KubeError, messageOf } from '@berth/kube';
import { CommandError } from './environment.ts';
import type { Operation } from './operation.ts';

/** One line without an end. */
export function errorLine(error: unknown, operation: Operation): string {
  if (error instanceof CommandError || isKubeError(error, 'no-access')) return oneLine(error.message);
  const message = oneLine(messageOf(error));
  if (isKubeError(error, 'forbidden')) return `${message}; ${roleFor(operation)}`;
  if (isKubeError(error, 'unauthorized')) return `${message}; the credentials of the kubeconfig are not accepted`;
  if (isKubeError(error, 'network')) return `${unreachable(error)} (BERTH_DEBUG=1 shows more)`;
  if (isKubeError(error, 'timeout')) return `${message} (is the cluster reachable? --request-timeout allows more)`;
  return message;
}

/** What a cluster administrator has to bind. */
function roleFor(operation: Operation): string {
  switch (operation.kind) {
    case 'adopt':
    case 'renumber':
      return 'it takes the right to patch the Service, as the ClusterRole edit has it in its namespace, and the roles of an operator';
    case 'migrate metallb':
    case 'uninstall':
      return 'it takes the ClusterRole cluster-admin';
    default: {
      const namespace = 'cluster' in operation ? operation.cluster.berthNamespace : 'berth-system';
      return `bind the roles: kubectl create clusterrolebinding berth-operators --clusterrole=berth-operator --user=NAME; kubectl -n ${namespace} create rolebinding berth-operators --role=operator --user=NAME`;
    }
  }
}

/** The cause says whom no one answered; the path of the request is of no interest then. */
function unreachable({ message, cause }: KubeError): string {
  const { code, address, port, hostname } = firstOf(cause);
  if (code === 'ECONNREFUSED')
    return `the API server at ${address}:${port} refuses the connection: is it running, and is it the right context?`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the API server's name ${hostname} is not known here`;
  return `no connection to the API server: ${oneLine(message)}`;
}

/** What node:net adds to its errors. */
interface NetworkError {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

/** Of a name with several addresses each has its own error. */
function firstOf(cause: unknown): NetworkError {
  const errors: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [];
  return (errors[0] ?? cause ?? {}) as NetworkError;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, '; ');
}
