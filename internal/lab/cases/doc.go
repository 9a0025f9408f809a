// Package cases is the attack range: good releases and attacked ones, each published where a gate can be asked about
// it, with the answer that the gate has to give. Nothing attacked may be admitted.
//
// [All] lists the cases and [Open] publishes them as a [Site] on the loopback interface. A case is a function that makes
// its images on a [Bench]; most take a few lines over package lab. Classes are those of the catalogue of attacks; class 0
// are the good releases, without which a gate that refuses everything would look perfect.
//
// The package knows nothing of assay's own judgement: package gate asks, and compares.
package cases
