package profile

import "time"

// Settings is what the agent needs of the values in force.
type Settings struct {
	AutoReconnect       bool          // bring an interrupted session back
	DisconnectOnSuspend bool          // end the session when the machine goes to sleep
	LocalLAN            bool          // leave the local network reachable where the gateway offers it
	LoginTime           time.Duration // AuthenticationTimeout; 0 where nobody set it
	Families            string        // IPProtocolSupport; empty: the gateway's addresses as they were resolved
	IgnorePortals       bool          // DisableCaptivePortalDetection: look for no sign-in page
	BlockUntrusted      bool          // refuse a gateway whose certificate does not hold without a question
}

// Settings returns the values in force. What no document sets is the schema's default, with three exceptions: without a profile a session outlives sleep, the
// gateway decides about the local network, and addresses are tried as they were resolved.
func (v Values) Settings() Settings {
	s := Settings{
		AutoReconnect:       v.Text("AutoReconnect") == "true",
		DisconnectOnSuspend: v.Text(suspend) == disconnectOnSuspend,
		LocalLAN:            v.Text("LocalLanAccess") == "true",
		Families:            v.Text("IPProtocolSupport"),
		IgnorePortals:       v.Text("DisableCaptivePortalDetection") == "true",
		BlockUntrusted:      v.Text(blockUntrusted) != "false",
	}
	if r := v.row("AuthenticationTimeout"); r.Origin != OriginDefault {
		s.LoginTime, _ = time.ParseDuration(r.Value + "s") // the table says that it is a number
	}
	return s
}
