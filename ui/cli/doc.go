// Package cli is the command holdfast: what a person types, and what a script relies on (contract: the CLI).
//
// A command asks the agent over the local socket and prints what it says. The package decides only what belongs to the user's side: which answer goes into which field
// of the gateway's forms (answers.go), when nobody is there to answer, how things look, and the exit code.
//
//	args, stdin --> command --ipc--> agent
//	                  |  \__ attempt: one connect, its events, prompts and end (attempt.go)
//	                  |        answers: flags and standard input, pure        terminal: a person
//	                  v
//	stdout: the result, or one JSON object     stderr: progress, prompts, "error: SENTENCE (CODE)", "hint: ..."
//
// Prompts and progress are on standard error, so that standard output can always be piped. With --json standard output gets the error as an object as well.
//
// It imports agent/ipc, dart, profile and ui only. What works without an agent and lives elsewhere (rescue, demo, gateway) is given to Main as functions.
//
// Goroutines: an attempt starts one that reads events and waits for it, and one more while a person signs in in a browser; the terminal starts one for each question, which a signal can leave blocked in a read of
// standard input: it ends with the process, after the terminal's echo was put back.
package cli
