// Package platform is the seam to the host: the interfaces that the agent drives, and plain values that say what the host should look like.
//
// Every Set takes the full desired state, is idempotent, and its zero value removes everything of ours. The packages below implement them per system, each as a
// pure plan (current + desired -> steps) and a thin file that carries the steps out; native picks the implementation, fake keeps it in memory.
package platform
