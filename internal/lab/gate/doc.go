// Package gate puts the cases of the attack range to a gate, which is any command line that exits with 0 to admit an
// image, and reports what got through.
//
// [Run] asks; a [Report] is what came of it, as text, JSON and JUnit. For assay itself, whose reasons are known, an
// answer counts only if it is the wanted one: the right refusal for another reason is shown as wrong.
package gate
