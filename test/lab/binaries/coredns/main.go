// SPDX-License-Identifier: Apache-2.0

// Command coredns is CoreDNS with the three plugins that the lab's Corefile
// names. Upstream's main links about fifty more and takes minutes to build.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	// Plugins register themselves.
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	// The order of a query through the plugins, as in upstream's plugin.cfg.
	dnsserver.Directives = []string{"ready", "errors", "kubernetes"}
	coremain.Run()
}
