// Package fake is a machine in memory: a platform.Host that records what it is told to be and does nothing.
//
//	m := fake.New(fake.Options{Device: device, Dialer: dialer})
//	m.SetNetwork(home)                       // the agent hears of it as of any change
//	<-m.Suspend(); m.Sleep(d); m.Wake()      // announced, waited for, slept, woken
//	m.Intercept(fake.Router, func(ctx context.Context) error { return errors.New("no") })
//	agent.New(agent.Config{Host: m.Host(), ...})
//	m.Routes(), m.DNS(), m.Clean()           // what the machine looks like now
//
// The device is the caller's, made by a function. Intercept makes a part fail or hang: its function runs before the part does anything, outside every lock, and an
// error of it is the part's answer. The clock is time.Since(New), which inside testing/synctest is virtual; Sleep alone moves the boot clock and tells nobody.
//
// The package starts no goroutine and imports platform only.
package fake
