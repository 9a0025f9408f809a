package policy

import (
	"fmt"
	"reflect"
	"strings"
)

// Mutations lists every demand that a rule of the policy makes, with those of the policy
// that the rule is judged by, each as a changed copy; p stays as it is. rule counts from 0.
func Mutations(p *Policy, rule int) []Mutation {
	if rule < 0 || rule >= len(p.Rules) {
		return nil
	}
	w := &mutator{rule: rule, roots: p.Rules[rule].Roots()}
	w.walk(reflect.ValueOf(*p), "", func(v reflect.Value) *Policy {
		changed, _ := v.Interface().(Policy)
		return &changed
	})
	return w.found
}

// mutator walks a policy and writes each change into a copy of what lies on the way.
type mutator struct {
	rule  int
	roots []string
	found []Mutation
}

// rebuild returns the policy in which a value stands in place of what was there.
type rebuild func(reflect.Value) *Policy

// walk goes through the fields of a struct that the table knows.
func (w *mutator) walk(v reflect.Value, path string, set rebuild) {
	table := mutations[v.Type()]
	for i := range v.NumField() {
		f, known := table[v.Type().Field(i).Name]
		if !known || f.why != "" {
			continue
		}
		w.field(v.Field(i), f, join(path, f.key), func(changed reflect.Value) *Policy {
			whole := reflect.New(v.Type()).Elem()
			whole.Set(v)
			whole.Field(i).Set(changed)
			return set(whole)
		})
	}
}

// field goes through one field: a value, or what holds further fields.
func (w *mutator) field(v reflect.Value, f field, path string, set rebuild) {
	switch inner := held(v.Type()); {
	case v.IsZero(): // nothing is demanded
	case v.Kind() == reflect.Slice && (f.each || inner):
		w.elements(v, f, path, set)
	case v.Kind() == reflect.Map:
		w.entries(v, f, path, set)
	case v.Kind() == reflect.Pointer && inner:
		w.walk(v.Elem(), path, func(changed reflect.Value) *Policy {
			pointer := reflect.New(v.Type().Elem())
			pointer.Elem().Set(changed)
			return set(pointer)
		})
	case inner:
		w.walk(v, path, set)
	default:
		w.change(v, f, path, set)
	}
}

// held reports whether the table knows the fields of a type, or of what it points to or
// lists.
func held(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return mutations[t] != nil
}

// elements goes through a list.
func (w *mutator) elements(v reflect.Value, f field, path string, set rebuild) {
	rules := v.Type() == reflect.TypeFor[[]Rule]()
	for i := range v.Len() {
		if rules && i != w.rule {
			continue
		}
		one := func(changed reflect.Value) *Policy {
			list := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(list, v)
			list.Index(i).Set(changed)
			return set(list)
		}
		at := element(path, v, i)
		if f.each {
			w.change(v.Index(i), f, at, one)
		} else {
			w.walk(v.Index(i), at, one)
		}
	}
}

// element is the path of an element of a list.
func element(path string, v reflect.Value, i int) string {
	switch e := v.Index(i).Interface().(type) {
	case Attestation:
		return join(path, e.Name)
	case Input:
		return join(path, e.Name)
	case Signer, Source: // which are written without a list where there is one
		if v.Len() == 1 {
			return path
		}
	}
	return fmt.Sprintf("%s[%d]", path, i)
}

// entries goes through a mapping from names.
func (w *mutator) entries(v reflect.Value, f field, path string, set rebuild) {
	roots := v.Type() == reflect.TypeFor[map[string]Trust]()
	names := map[string]bool{}
	for _, key := range v.MapKeys() {
		names[key.String()] = !roots
	}
	for _, name := range w.roots {
		if _, ok := names[name]; ok && roots {
			names[name] = true
		}
	}
	for _, name := range sortedKeys(names) {
		if !names[name] {
			continue // a root that the rule does not name
		}
		key := reflect.ValueOf(name)
		one := func(changed reflect.Value) *Policy {
			entries := reflect.MakeMapWithSize(v.Type(), v.Len())
			for _, k := range v.MapKeys() {
				entries.SetMapIndex(k, v.MapIndex(k))
			}
			entries.SetMapIndex(key, changed)
			return set(entries)
		}
		if held(v.Type()) {
			w.walk(v.MapIndex(key), join(path, name), one)
		} else {
			w.change(v.MapIndex(key), f, join(path, name), one)
		}
	}
}

// change notes the policy in which one value is impossible.
func (w *mutator) change(v reflect.Value, f field, path string, set rebuild) {
	var value reflect.Value
	if change, ok := f.value.(edit); ok {
		value = change(v)
	} else {
		value = reflect.ValueOf(f.value).Convert(v.Type())
	}
	if reflect.DeepEqual(value.Interface(), v.Interface()) {
		return // it has that value already, or demands nothing
	}
	w.found = append(w.found, Mutation{
		Path: path, Policy: set(value), Again: f.again, Thresholds: f.thresholds, Place: f.place,
		Default: f.normal != nil && reflect.DeepEqual(reflect.ValueOf(f.normal).Convert(v.Type()).Interface(), v.Interface()),
	})
}

func join(path, key string) string {
	return strings.Trim(path+"."+key, ".")
}
