package lab

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// Names of org.freedesktop.systemd1(5).
const (
	systemdName = "org.freedesktop.systemd1"
	systemdRoot = "/org/freedesktop/systemd1"
	unitPath    = systemdRoot + "/unit/holdfastd"
	jobPath     = systemdRoot + "/job/1"
)

// Service is as much of systemd as an agent notices of it: it keeps the descriptor of the agent's device, starts the agent again after a crash, restarts it for an upgrade and says
// on the system bus that it does. Restarting an agent by its package, on a whole Debian, is platform/package's to test.
type Service struct {
	*Agent
	socket *net.UnixConn
	path   string

	mu      sync.Mutex
	stored  *os.File // what the agent has put into the store
	restart bool     // the job at work is a restart
}

// crashPause is RestartSec of the agent's unit (platform/package/units).
const crashPause = 100 * time.Millisecond

// NewService prepares to run an agent in a namespace, with what it keeps below a folder of the lab. There must be a system bus; there is one Service in a lab.
func (l *Lab) NewService(client *testenv.NS, folder string) *Service {
	l.Helper()
	s := &Service{path: filepath.Join(l.Dir, "notify")}
	var err error
	if s.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"}); err != nil {
		l.Fatal(err)
	}
	var reader sync.WaitGroup
	reader.Go(s.read)
	bus, err := dbus.ConnectSystemBus()
	if err == nil {
		err = s.export(bus)
	}
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		_ = bus.Close()
		_ = s.socket.Close()
		reader.Wait()
		s.keep(nil)
	})
	s.Agent = l.newAgent(client, folder)
	s.Replace()
	return s
}

// Crash kills the agent, as the kernel does when memory runs out, and starts it again as the unit says.
func (s *Service) Crash() {
	s.l.Helper()
	s.Stop(syscall.SIGKILL)
	time.Sleep(crashPause)
	s.Start()
}

// Restart restarts it: the old agent is told to end and the next is started when it has.
func (s *Service) Restart() {
	s.l.Helper()
	s.restarting(true)
	s.Stop(syscall.SIGTERM)
	s.Start()
	s.restarting(false)
}

// Replace puts the program in place anew, as a package does: another file of the same name.
func (s *Service) Replace() {
	s.l.Helper()
	b, err := os.ReadFile(Bin("holdfastd"))
	if err != nil {
		s.l.Fatal(err)
	}
	if err := os.Rename(s.l.File("holdfastd.new", b), s.program()); err != nil {
		s.l.Fatal(err)
	}
}

func (s *Service) program() string { return filepath.Join(s.l.Dir, "holdfastd") }

// Start starts the agent, with what is in the store.
func (s *Service) Start() {
	s.l.Helper()
	s.mu.Lock()
	stored := s.stored
	s.mu.Unlock()
	shell := `exec "$@"`
	if stored != nil {
		shell = `export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=holdfast0; ` + shell
	}
	cmd := s.client.Command("sh", append([]string{"-c", shell, "sh", s.program()}, s.args()...)...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+s.path)
	if stored != nil {
		cmd.ExtraFiles = []*os.File{stored}
	}
	s.Process = s.l.Ready(cmd, "ready: ")
}

// read takes what the agent says (sd_notify(3)), until the socket is closed.
func (s *Service) read() {
	text, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	for {
		n, m, _, _, err := s.socket.ReadMsgUnix(text, rights)
		if err != nil {
			return
		}
		switch said := string(text[:n]); {
		case strings.Contains(said, "FDSTORE=1"):
			s.keep(descriptor(rights[:m]))
		case strings.Contains(said, "FDSTOREREMOVE=1"):
			s.keep(nil)
		}
	}
}

// keep puts a file into the store in place of the one that is there.
func (s *Service) keep(f *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored != nil {
		_ = s.stored.Close()
	}
	s.stored = f
}

// descriptor is the one that came with a datagram.
func descriptor(rights []byte) *os.File {
	all, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(all) != 1 {
		return nil
	}
	fds, err := unix.ParseUnixRights(&all[0])
	if err != nil || len(fds) != 1 {
		return nil
	}
	unix.CloseOnExec(fds[0])
	return os.NewFile(uintptr(fds[0]), "stored")
}

func (s *Service) restarting(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restart = is
}

// export puts on the bus what an agent asks when it is told to end: its unit, the unit's job, the kind of that.
func (s *Service) export(bus *dbus.Conn) error {
	for _, x := range []struct {
		value any
		path  dbus.ObjectPath
		iface string
	}{
		{manager{}, systemdRoot, systemdName + ".Manager"},
		{property{s, job{1, jobPath}}, unitPath, "org.freedesktop.DBus.Properties"},
		{property{s, "restart"}, jobPath, "org.freedesktop.DBus.Properties"},
	} {
		if err := bus.Export(x.value, x.path, x.iface); err != nil {
			return err
		}
	}
	_, err := bus.RequestName(systemdName, dbus.NameFlagDoNotQueue)
	return err
}

// manager is systemd itself.
type manager struct{}

// GetUnitByPID implements org.freedesktop.systemd1.Manager.
func (manager) GetUnitByPID(uint32) (dbus.ObjectPath, *dbus.Error) { return unitPath, nil }

// job is the unit's property of that name.
type job struct {
	ID   uint32
	Path dbus.ObjectPath
}

// property is the one that is asked for: the unit's job, or that job's type.
type property struct {
	s     *Service
	value any
}

// Get implements org.freedesktop.DBus.Properties. Without a restart there is nothing to be had.
func (p property) Get(_, name string) (dbus.Variant, *dbus.Error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if !p.s.restart {
		return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{name})
	}
	return dbus.MakeVariant(p.value), nil
}
