package cli

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
)

const (
	maxCA      = 512 << 10 // bytes of --ca: a request to the agent is at most 1 MiB
	minTimeout = time.Second
	maxTimeout = 10 * time.Minute
)

// connectFlags are the flags of connect as they were typed.
type connectFlags struct {
	protocol, group, user, ca   string
	cert, key, pkcs12           string
	answers, pins               []string
	passwordStdin, answersStdin bool
	acceptBanner, noInput       bool
	timeout                     time.Duration
}

// later are flags that scripts may already carry and this version cannot honour.
var later = []struct {
	name  string
	value bool
	what  string
}{
	{"pkcs11", true, "`URI` of a client certificate on a token"},
	{"ike-id", true, "`ID` for IKE"},
	{"eap", true, "`METHOD` of EAP for IKE"},
	{"psk-stdin", false, "read a pre-shared key from standard input"},
	{"allow-weak-crypto", false, "accept old algorithms"},
}

func (a *app) connectCommand() *cobra.Command {
	var f connectFlags
	cmd := &cobra.Command{
		Use:   "connect [TARGET]",
		Short: "Connect to a gateway",
		Long: `Connect to a gateway and return when traffic can flow.

TARGET is a host entry of a profile, host[:port][/group], or an https URL. Without TARGET the
pending question is answered, if there is one; else the last target is taken, else the first host
of the profiles.

What the gateway asks is answered from the flags and from standard input, then by you. Field names
are the gateway's; a field that comes again in a later form is FIELD2, FIELD3. Standard input holds
the password's line first, then the answers. --answer is for visible fields and one-time codes,
--answers-stdin for everything. You have five minutes for each question, whatever --timeout says.

A client certificate's private key stays in this process: the agent gets the certificate alone and
asks for signatures while it logs in. A passphrase is asked for on the terminal, or is the answer
key (of --key) or pkcs12 in --answers-stdin.

A pin is sha256:HEX or pin-sha256:BASE64 of the gateway's public key. A match replaces every other
check of the certificate; no match ends the connect.`,
		Example: `  holdfast connect vpn.example.com --user alice --group staff
  holdfast connect vpn.example.com --user alice --password-stdin --no-input < password-file`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target := ""
			if len(args) == 1 {
				target = args[0]
			}
			return a.connect(cmd, target, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.protocol, "protocol", "", "`ssl`; ipsec and ikev1 are not in this version (USE-006)")
	flags.StringVar(&f.group, "group", "", "`GROUP` to log in to: its value, its label, or its number in the list")
	flags.StringVar(&f.user, "user", "", "user `NAME`")
	flags.BoolVar(&f.passwordStdin, "password-stdin", false, "read the password from standard input; used once")
	flags.StringArrayVar(&f.answers, "answer", nil, "`FIELD=VALUE`, never a password; repeatable")
	flags.BoolVar(&f.answersStdin, "answers-stdin", false, "read lines FIELD=VALUE from standard input")
	flags.StringVar(&f.cert, "cert", "", "PEM `FILE` of a client certificate, and those above it")
	flags.StringVar(&f.key, "key", "", "PEM `FILE` of its private key; without it the key is in the file of --cert")
	flags.StringVar(&f.pkcs12, "pkcs12", "", "PKCS#12 `FILE` of a client certificate with its key, instead of --cert and --key")
	flags.StringVar(&f.ca, "ca", "", "PEM `FILE` of authorities to trust for this connection, besides the system's")
	flags.StringArrayVar(&f.pins, "pin", nil, "`HASH` of the gateway's key; repeatable")
	flags.BoolVar(&f.acceptBanner, "accept-banner", false, "accept the gateway's banner")
	flags.BoolVar(&f.noInput, "no-input", false, "never ask; exit 10 if something would have to be asked")
	flags.DurationVar(&f.timeout, "timeout", defaultTime, "`TIME` for us and the network, 1s to 10m")
	for _, l := range later {
		what := l.what + "; not in this version (USE-006)"
		if l.value {
			flags.String(l.name, "", what)
		} else {
			flags.Bool(l.name, false, what)
		}
	}
	return cmd
}

func (a *app) connect(cmd *cobra.Command, target string, f connectFlags) error {
	for _, l := range later {
		if cmd.Flags().Changed(l.name) {
			return fault.Newf(fault.UseNotYet, nil, "--%s", l.name)
		}
	}
	req, err := f.request(target)
	if err != nil {
		return err
	}
	if !cmd.Flags().Changed("timeout") {
		req.TimeoutMS = 0 // a profile may give more time than the usual minute
	}
	ans := &answers{user: f.user, group: f.group}
	for _, s := range f.answers {
		if err := ans.addFlag(s); err != nil {
			return err
		}
	}
	if err := a.readAnswers(cmd, ans, f); err != nil {
		return err
	}
	at := &attempt{app: a, agent: a.agent(), answers: ans, noInput: f.noInput, banner: f.acceptBanner}
	if at.credential, err = at.readCredential(cmd.Context(), f); err != nil {
		return err
	}
	if at.credential != nil {
		req.CertPEM = at.credential.PEM()
	}
	st, err := at.run(cmd.Context(), req)
	if err != nil {
		return a.pointAt(err, req.Target)
	}
	if a.json {
		printJSON(a.Out, st)
		return nil
	}
	fmt.Fprintln(a.Out, connectedLine(st))
	return nil
}

// readAnswers takes what standard input carries. A password that a person types for --password-stdin is not echoed.
func (a *app) readAnswers(cmd *cobra.Command, ans *answers, f connectFlags) error {
	if f.passwordStdin && !f.answersStdin && a.Person != nil {
		secret, err := a.Person.Secret(cmd.Context(), "Password: ")
		if err != nil {
			return err
		}
		ans.password = &source{value: secret}
		return nil
	}
	if !f.passwordStdin && !f.answersStdin {
		return nil
	}
	return ans.readInput(a.In, f.passwordStdin, f.answersStdin)
}

// request checks what can be checked here and reads the files that the agent must not open.
func (f connectFlags) request(target string) (ipc.ConnectRequest, error) {
	req := ipc.ConnectRequest{Target: strings.TrimSpace(target), Group: f.group, User: f.user, TimeoutMS: f.timeout.Milliseconds()}
	if _, err := strconv.Atoi(f.group); err == nil {
		req.Group = "" // a number in the list that people see: it means something when the list comes, and is answered then
	}
	switch f.protocol {
	case "", "ssl":
		req.Protocol = f.protocol
	case "ipsec", "ikev1":
		return req, fault.Newf(fault.UseNotYet, nil, "--protocol %s", f.protocol)
	default:
		return req, usage("--protocol is ssl, ipsec or ikev1")
	}
	if f.timeout < minTimeout || f.timeout > maxTimeout {
		return req, usage("--timeout must be between 1s and 10m")
	}
	if target != "" && strings.Contains(target, "://") { // no host entry of a profile: say at once what is wrong with it
		if _, err := profile.ParseTarget(target); err != nil {
			return req, err
		}
	}
	for _, s := range f.pins {
		pin, err := cleanPin(s)
		if err != nil {
			return req, err
		}
		req.Pins = append(req.Pins, pin)
	}
	if f.ca != "" {
		pem, err := readCA(f.ca)
		if err != nil {
			return req, err
		}
		req.CAPEM = pem
	}
	return req, nil
}

// cleanPin checks a pin in either spelling. Colons between the hex digits, as other tools print them, are taken out.
func cleanPin(s string) (string, error) {
	if text, ok := strings.CutPrefix(s, "sha256:"); ok {
		text = strings.ToLower(strings.ReplaceAll(text, ":", ""))
		if b, err := hex.DecodeString(text); err == nil && len(b) == 32 {
			return "sha256:" + text, nil
		}
	}
	if text, ok := strings.CutPrefix(s, "pin-sha256:"); ok {
		if b, err := base64.StdEncoding.DecodeString(text); err == nil && len(b) == 32 {
			return s, nil
		}
	}
	return "", usage("--pin is sha256: and 64 hex digits, or pin-sha256: and the base64 of 32 bytes")
}

// readFile reads the file of a flag as this user: the agent never opens a path that a client names.
func readFile(flag, path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Newf(fault.UseBad, err, "--%s: %v", flag, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	switch {
	case err != nil:
		return nil, fault.Newf(fault.UseBad, err, "--%s: %v", flag, err)
	case len(data) > limit:
		return nil, usage("--%s: the file is larger than %d KiB", flag, limit>>10)
	}
	return data, nil
}

// readCA reads the authorities to trust.
func readCA(path string) (string, error) {
	data, err := readFile("ca", path, maxCA)
	switch {
	case err != nil:
		return "", err
	case strings.Contains(string(data), "PRIVATE KEY-----"):
		return "", usage("--ca: the file holds a private key; give the certificate alone")
	case !x509.NewCertPool().AppendCertsFromPEM(data):
		return "", usage("--ca: there is no certificate in PEM in the file")
	}
	return string(data), nil
}

// connectedLine is the one line of a connect that worked.
func connectedLine(s ipc.State) string {
	text := "Connected"
	if s.Target != "" {
		text += " to " + line(s.Target)
	}
	if len(s.Addresses) > 0 {
		text += " as " + line(strings.Join(s.Addresses, ", "))
	}
	if s.Transport != "" {
		text += " over " + line(strings.ToUpper(s.Transport))
	}
	return text + "."
}

func (a *app) disconnectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "disconnect",
		Short: "End the session, at the gateway too",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, agent := cmd.Context(), a.agent()
			st, err := agent.State(ctx)
			if err != nil {
				return err
			}
			text := "There is no session."
			if st.State != "disconnected" {
				if err := agent.Disconnect(ctx); err != nil {
					return err
				}
				if st, err = await(ctx, agent, disconnectTime, down); err != nil {
					return err
				}
				text = "Disconnected."
			}
			if a.json {
				printJSON(a.Out, st)
				return nil
			}
			fmt.Fprintln(a.Out, text)
			return nil
		},
	}
}

// disconnectTime is more than the agent takes: 3 s for the host and the gateway's goodbye.
const disconnectTime = 10 * time.Second
