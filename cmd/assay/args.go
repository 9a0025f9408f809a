package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// permute moves a command's flags in front of its arguments. urfave/cli stops
// reading flags at the first argument and silently drops the rest: without this,
// `assay verify IMAGE --policy FILE` would judge without the policy.
func permute(app *cli.App, args []string) ([]string, error) {
	commands, flags := app.Commands, app.Flags
	var path []string
	for len(args) > 0 {
		next := find(commands, args[0])
		if next == nil {
			break
		}
		path = append(path, args[0])
		commands, flags, args = next.Subcommands, next.Flags, args[1:]
	}
	var options, arguments []string
	words, given := len(args), map[string]bool{}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			arguments = append(arguments, args...)
			args = nil
		case len(arg) < 2 || arg[0] != '-':
			arguments = append(arguments, arg)
		default:
			name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			if isHelp(name) && words > 1 {
				// IMAGE may be a variable: what asks for help must not pass a gate.
				return nil, usagef("found %s among other words; help and version stand alone", arg)
			}
			if given[name] && !repeatable(flags, name) {
				return nil, usagef("found --%s twice; of two demands one would be dropped", name)
			}
			given[name] = true
			options = append(options, arg)
			if takesValue(flags, arg) {
				if len(args) == 0 {
					return nil, usagef("the flag %s needs a value", arg)
				}
				options = append(options, args[0])
				args = args[1:]
			}
		}
	}
	if len(arguments) > 0 {
		options = append(append(options, "--"), arguments...)
	}
	return append(path, options...), nil
}

func isHelp(name string) bool {
	return name == "help" || name == "h" || name == "version" || name == "v"
}

// repeatable reports whether a flag collects its values.
func repeatable(flags []cli.Flag, name string) bool {
	for _, f := range flags {
		if _, ok := f.(*cli.StringSliceFlag); ok && f.Names()[0] == name {
			return true
		}
	}
	return false
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

// takesValue reports whether the next word belongs to a flag. A flag that is not
// known takes none here; urfave/cli refuses it later.
func takesValue(flags []cli.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range flags {
		for _, n := range f.Names() {
			if n == name {
				d, ok := f.(cli.DocGenerationFlag)
				return ok && d.TakesValue()
			}
		}
	}
	return false
}
