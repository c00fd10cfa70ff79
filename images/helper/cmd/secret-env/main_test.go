package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "secret-env")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(content), 0o400); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheProgramHasTheSecretAndEverythingElse(t *testing.T) {
	command := exec.Command(build(t), "FIRST="+file(t, "a b=c\n"), "SECOND="+file(t, "d"), "--", "sh", "-c", "env | grep -E '^(FIRST|SECOND|THIRD)=' | sort; exit 3")
	command.Env = append(os.Environ(), "THIRD=e", "FIRST=older")
	out, err := command.Output()
	if string(out) != "FIRST=a b=c\nSECOND=d\nTHIRD=e\n" {
		t.Errorf("it has %q", out)
	}
	if command.ProcessState.ExitCode() != 3 {
		t.Errorf("it ended with %v, not as the program did", err)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	program, empty := build(t), file(t, "\n")
	for want, args := range map[string][]string{
		"then -- and a command":         {"A=" + empty},
		"is not NAME=FILE":              {"A", "--", "true"},
		"/absent: no such file":         {"A=/absent", "--", "true"},
		"is empty":                      {"A=" + empty, "--", "true"},
		"executable file not found":     {"A=" + file(t, "x"), "--", "no-such-program"},
		"give NAME=FILE, for each":      {"--", "true"},
		"give NAME=FILE, for each secr": {"A=" + empty, "--"},
	} {
		out, err := exec.Command(program, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: it says %q, not %q", args, out, want)
		}
	}
}
