// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Keeps the modules of agnhost, which is built from this module too, in go.sum.
package main

import _ "k8s.io/kubernetes/test/images/agnhost"
