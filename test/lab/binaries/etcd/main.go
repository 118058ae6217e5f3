// SPDX-License-Identifier: Apache-2.0

// Command etcd is the upstream etcd server, unchanged. It is a module of its
// own because its dependencies need other versions than those of Kubernetes.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
