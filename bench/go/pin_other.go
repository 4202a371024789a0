//go:build !linux

package main

// pin does nothing where the system has no such call.
func pin() {}
