package verify

// Child is one manifest of an index, with the evidence about it.
type Child struct {
	// Image is the manifest; Manifest is nil where its bytes were not needed.
	Image Image
	// Platform is "os/architecture" or "os/architecture/variant" as the index says, ""
	// where it says nothing.
	Platform string
	// Parents are the nested indexes on the way to it, the outermost first.
	Parents  []Image
	Evidence Evidence
}
