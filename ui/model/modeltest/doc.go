// Package modeltest has a Model for every situation that a person can get into, by name: what tables of tests, golden images and screenshots are made from.
//
// Each Case is made as the application makes it: from an empty Model by the messages that an agent, the desktop and a person send, at times on a clock that stands still. The states are values
// of agent/ipc as an agent sends them. Nothing here is part of the shipped program.
//
//	for _, c := range modeltest.Cases(locale.Japanese) {
//		screen := c.Model.Screen(c.Now)
//	}
//
// cases.go lists the situations, states.go has the agent's side of them, script.go plays a person and an agent.
package modeltest
