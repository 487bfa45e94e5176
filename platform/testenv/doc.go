// Package testenv gives tests a machine of their own: network namespaces, and the question whether this machine can make them.
//
// A test that needs privilege says so first:
//
//	func TestRoutes(t *testing.T) {
//		if !testenv.Namespace(t) {
//			return // the parent: the test ran in a child, whose verdict t already has
//		}
//		// here: an own network, own processes, an own /run, an own writable layer over /etc
//	}
//
// Namespace runs the test binary again for this one test, as process 1 of new network, mount and process namespaces, so nothing a test does reaches
// the machine, and whatever it starts dies with it. Process 1 cannot kill -9 itself and its orphans stay zombies: a test that needs a victim starts one more process.
//
//	machine            Namespace                    NewNS(t, "gw")          NewNS(t, "inside")
//	+---------+        +-------------------+  veth  +----------------+ veth +----------+
//	| go test | -----> | TestX, lo, /run,  |--------| Run, Command   |------|          |
//	|         | clone  | /etc, resolv.conf |        | own resolv.conf|      |          |
//	+---------+        +-------------------+        +----------------+      +----------+
//
// NewNS, Veth and Bridge build what else a test needs around it; Dump is the whole network state as text, for comparing before with after.
//
// Install lays packages over the test's file system that the machine itself must not have, because they would take over its name resolution; SystemBus and Resolved run the
// services that a host has and a namespace lacks, Logind is enough of one for who wants to know of sleep; ResolvedHost and its like make a whole machine of that kind.
//
// What a machine cannot do skips the test, unless the environment variable HOLDFAST_REQUIRE lists the feature (comma separated): then the test fails, so that
// a run meant to be complete cannot be incomplete in silence. This package alone reads that variable, and HOLDFAST_UNPACKED, the folder of packages for Install. Only tests import testenv.
package testenv
