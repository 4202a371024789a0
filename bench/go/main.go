// The subject "Go": takes a job as its last argument and prints the answer, both in JSON, as bench/child.py does.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"syscall"
)

type job struct {
	Do      string  `json:"do"`
	Method  string  `json:"method"`
	Width   int     `json:"width"`
	WarmUp  int     `json:"warm_up"`
	Fixed   int     `json:"fixed"`
	Seconds float64 `json:"seconds"`
}

type answer struct {
	Count   int     `json:"count"`
	Seconds float64 `json:"seconds"`
	Result  int     `json:"result"`
}

// stopwatch counts the CPU seconds of the process, from start to stop.
type stopwatch struct{ begin, end float64 }

var watch stopwatch

func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

func (w *stopwatch) start() { w.begin, w.end = cpu(), 0 }

func (w *stopwatch) stop() {
	if w.end == 0 {
		w.end = cpu()
	}
}

func once(do func(count, width int) int, count, width int) (int, float64) {
	runtime.GC()
	watch.start()
	result := do(count, width)
	watch.stop()
	return result, watch.end - watch.begin
}

// measure does what sample.py does: warm up, see how many operations last long enough, do as many.
func measure(j job, do func(count, width int) int) answer {
	count := j.WarmUp
	once(do, count, j.Width)
	_, took := once(do, count, j.Width)
	for j.Fixed == 0 && took < j.Seconds/10 {
		next := 100 * count
		if took > 0.001 {
			if likely := 1 + int(1.2*float64(count)*j.Seconds/10/took); likely < next {
				next = likely
			}
		}
		count = next
		_, took = once(do, count, j.Width)
	}
	if count = int(float64(count) * j.Seconds / took); count < 1 {
		count = 1
	}
	if j.Fixed != 0 {
		count = j.Fixed
	}
	result, took := once(do, count, j.Width)
	return answer{count, took, result}
}

func fail(what any) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}

func main() {
	var j job
	if err := json.Unmarshal([]byte(os.Args[len(os.Args)-1]), &j); err != nil {
		fail(err)
	}
	pin()
	do, known := workloads[j.Method]
	if j.Do != "sample" || !known {
		fmt.Println("{}")
		return
	}
	if err := json.NewEncoder(os.Stdout).Encode(measure(j, do)); err != nil {
		fail(err)
	}
}
