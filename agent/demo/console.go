package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// maxTyped bounds a line.
const maxTyped = 256

// console is what an administrator types at `holdfast gateway`.
type console struct {
	g   *gateway.Gateway
	out io.Writer
}

// commands are the console's, in the order of help.
var commands = []struct {
	name, args, does string
	run              func(c *console, args []string) error
}{
	{"sessions", "[ID] [--json]", "who is there, by which tunnels, and how often they came back", (*console).sessions},
	{"kick", "ID", "end a session: the client must log in again", (*console).kick},
	{"drop", "", "close every connection without a word; sessions are kept", (*console).drop},
	{"udp", "off|on", "lose every datagram, or carry them again", (*console).udp},
}

var errUsage = errors.New("not understood: \"help\" says what can be typed")

// run does what a line says.
func (c *console) run(line string) {
	args := strings.Fields(line)
	if len(args) == 0 {
		return
	}
	err := errUsage
	if args[0] == "help" {
		err = c.help()
	}
	for _, cmd := range commands {
		if cmd.name == args[0] {
			err = cmd.run(c, args[1:])
		}
	}
	if err != nil {
		fmt.Fprintln(c.out, err)
	}
}

func (c *console) sessions(args []string) error {
	list, asJSON := c.g.Sessions(), false
	for _, a := range args {
		if a == "--json" {
			asJSON = true
			continue
		}
		id, err := c.known(a)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(s gateway.Session) bool { return s.ID != id })
	}
	if asJSON {
		return json.NewEncoder(c.out).Encode(list)
	}
	return gateway.WriteSessions(c.out, list, time.Now())
}

// known reads the number of a session that is there.
func (c *console) known(arg string) (uint32, error) {
	id, err := strconv.ParseUint(arg, 10, 32)
	if err != nil {
		return 0, errUsage
	}
	if !slices.ContainsFunc(c.g.Sessions(), func(s gateway.Session) bool { return s.ID == uint32(id) }) {
		return 0, fmt.Errorf("there is no session %d", id)
	}
	return uint32(id), nil
}

func (c *console) kick(args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	id, err := c.known(args[0])
	if err != nil {
		return err
	}
	c.g.Kick(id)
	return nil
}

func (c *console) drop(args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	c.g.DropConnections()
	return nil
}

func (c *console) udp(args []string) error {
	if len(args) != 1 || args[0] != "on" && args[0] != "off" {
		return errUsage
	}
	c.g.BlockUDP(args[0] == "off")
	return nil
}

// help lists them.
func (c *console) help() error {
	for _, cmd := range commands {
		if _, err := fmt.Fprintf(c.out, "%-24s %s\n", cmd.name+" "+cmd.args, cmd.does); err != nil {
			return err
		}
	}
	return nil
}

// lines hands over what is typed, line by line, until that or ctx ends. A read from a terminal that is waiting then ends with the process: nothing else ends it.
func lines(ctx context.Context, in io.Reader) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		s := bufio.NewScanner(in)
		s.Buffer(make([]byte, maxTyped), maxTyped)
		for s.Scan() {
			select {
			case out <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
