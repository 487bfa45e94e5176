// Package cost measures what holdfast-tray costs a machine on which nobody looks at it, and how soon its icon is there. It is tests of the real program, with a real agent and the embedded gateway, on the desktop of
// package desk, in namespaces of its own:
//
//	holdfast gateway <-- holdfastd <-- holdfast-tray --> desk: session bus, panel, Xvfb
//
// TestCost holds what the tray may take; BenchmarkStart says how long a start takes on a machine that does nothing else. Processor time is that of all threads (utime and stime), memory what is resident (VmRSS). A wakeup
// is a thread that had gone to sleep by itself. The runtime's monitor, which naps for as long as others work, is told apart.
package cost
