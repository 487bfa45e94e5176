package vault

import (
	"errors"
	"os"
	"strings"
)

// bootID is a random number of the kernel's that is another after each boot (random(4)).
func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(b))
	if id == "" {
		return "", errors.New("the kernel has no boot id")
	}
	return id, nil
}
