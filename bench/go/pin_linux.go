package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// pin keeps all threads on one core: those that are there, and by them those that come.
func pin() {
	var mask [16]uint64
	size := unsafe.Sizeof(mask)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, size, uintptr(unsafe.Pointer(&mask))); errno != 0 {
		return
	}
	last := -1
	for k := 0; k < len(mask)*64; k++ {
		if mask[k/64]>>(k%64)&1 == 1 {
			last = k
		}
	}
	if last < 0 {
		return
	}
	mask = [16]uint64{}
	mask[last/64] = 1 << (last % 64)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, thread := range threads {
		var id uintptr
		fmt.Sscan(thread.Name(), &id)
		syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, id, size, uintptr(unsafe.Pointer(&mask)))
	}
}
