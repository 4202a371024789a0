package main

import "reflect"

// Every workload returns what workloads.py expects of it. The watch runs from its first line to its last, unless it
// starts or stops it itself. Goroutines that wait for ever are left to the end of the process, as Go programs do.
var workloads = map[string]func(count, width int) int{
	"stream":       stream,
	"ping_pong":    pingPong,
	"never_waits":  neverWaits,
	"producers":    producers,
	"select_ready": selectReady,
	"select_wait":  selectWait,
	"workers":      workers,
	"sieve":        sieve,
	"ring":         ring,
	"or_done":      orDone,
}

func stream(count, _ int) int {
	ch := make(chan int, 100)
	go func() {
		for value := 0; value < count; value++ {
			ch <- value
		}
		close(ch)
	}()
	total := 0
	for value := range ch {
		total += value
	}
	return total
}

func pingPong(count, _ int) int {
	there, back := make(chan int), make(chan int)
	go func() {
		for value := range there {
			back <- value
		}
	}()
	total := 0
	for value := 0; value < count; value++ {
		there <- value
		total += <-back
	}
	close(there)
	return total
}

func neverWaits(count, _ int) int {
	ch := make(chan int, 1)
	total := 0
	for value := 0; value < count; value++ {
		ch <- value
		total += <-ch
	}
	return total
}

func producers(count, width int) int {
	ch := make(chan int)
	for first := 0; first < width; first++ {
		go func(first int) {
			for value := first; value < count; value += width {
				ch <- value
			}
		}(first)
	}
	total := 0
	for k := 0; k < count; k++ {
		total += <-ch
	}
	return total
}

func makeMany(width, capacity int) []chan int {
	chans := make([]chan int, width)
	for k := range chans {
		chans[k] = make(chan int, capacity)
	}
	return chans
}

func selectReady(count, width int) int {
	chans := makeMany(width, 1)
	total := 0
	for value := 0; value < count; value++ {
		chans[value%width] <- value
		total += selectOf(chans)
	}
	return total
}

func selectWait(count, width int) int {
	chans, wanted := makeMany(width, 0), make(chan int)
	go func() {
		for value := range wanted {
			chans[value%width] <- value
		}
	}()
	total := 0
	for value := 0; value < count; value++ {
		wanted <- value
		total += selectOf(chans)
	}
	close(wanted)
	return total
}

// selectOf is the statement for ten channels; for any other number Go has reflect.Select.
func selectOf(c []chan int) (value int) {
	if len(c) != 10 {
		_, got, _ := reflect.Select(receives(c))
		return int(got.Int())
	}
	select {
	case value = <-c[0]:
	case value = <-c[1]:
	case value = <-c[2]:
	case value = <-c[3]:
	case value = <-c[4]:
	case value = <-c[5]:
	case value = <-c[6]:
	case value = <-c[7]:
	case value = <-c[8]:
	case value = <-c[9]:
	}
	return value
}

func receives(chans []chan int) []reflect.SelectCase {
	cases := make([]reflect.SelectCase, len(chans))
	for k, ch := range chans {
		cases[k] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ch)}
	}
	return cases
}

func workers(count, width int) int {
	jobs, results := make(chan int), make(chan int)
	for k := 0; k < width; k++ {
		go func() {
			for value := range jobs {
				results <- value
			}
		}()
	}
	go func() {
		for value := 0; value < count; value++ {
			jobs <- value
		}
		close(jobs)
	}()
	total := 0
	for k := 0; k < count; k++ {
		total += <-results
	}
	return total
}

func sieve(count, width int) int {
	ch := make(chan int, width)
	go func(out chan int) {
		for value := 2; ; value++ {
			out <- value
		}
	}(ch)
	total := 0
	for k := 0; k < count; k++ {
		prime := <-ch
		total += prime
		strained := make(chan int, width)
		go func(left, right chan int) {
			for value := range left {
				if value%prime != 0 {
					right <- value
				}
			}
		}(ch, strained)
		ch = strained
	}
	return total
}

func ring(count, width int) int {
	chans := makeMany(width+1, 0)
	for k := 0; k < width; k++ {
		go func(left, right chan int) {
			for token := range left {
				right <- token + 1
			}
		}(chans[k], chans[k+1])
	}
	token := 0
	watch.start()
	for k := 0; k < count; k++ {
		chans[0] <- token
		token = <-chans[width]
	}
	watch.stop()
	close(chans[0])
	return token
}

func orDone(count, width int) int {
	chans, wanted := makeMany(width, 0), make(chan int)
	go func() {
		for index := range wanted {
			close(chans[index])
		}
	}()
	total := 0
	for k := 0; k < count; k++ {
		wanted <- k % width
		index, _, _ := reflect.Select(receives(chans))
		total += index
		chans[index] = make(chan int)
	}
	close(wanted)
	return total
}
