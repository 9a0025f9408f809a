package lab

import v1 "github.com/google/go-containerregistry/pkg/v1"

// Named is an image of which nothing is known but its descriptor: enough to make evidence about it, not to push it.
func Named(d v1.Descriptor) *Image { return &Image{desc: bare(d)} }
