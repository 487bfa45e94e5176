// Package fault is the product's one vocabulary of failure.
//
// Every failure that crosses a seam is an *Error: a support Code ("AUTH-003"), a Kind that says what may be done about it,
// an optional Detail that is safe to show, and the cause. The user's sentence, the remedy and the exit code of a Code stand
// in one registry (registry.go), so that the CLI, the tray, the log and the bundle say the same thing. The tray says it in the person's language: a new code has its texts in
// ui/locale/text/*/fault.json, and a test there says so.
//
// The machine looks at the Kind and nothing else; people look at the sentence, the hint and the code.
package fault
