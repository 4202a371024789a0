"""What waits for a condition, carries no stream of values and starts no task of its own.

asyncmap        AsyncMap: values that are made once, and a lock for each key
barrier         CyclicBarrier: a point that a fixed number of tasks leave together
cond            Cond: until something holds that a lock guards
locker          Locker: what can be locked and unlocked, whoever made it
mutex           Mutex: one task at a time, the others in line
once            Once, OnceValue: what is run once, for all who ask
owned           what all locks do to know who has them
primitive       what all of these have in common: a name, a line, no copies
priorityqueue   PriorityQueue: the best item first, first come among equals
reentrant       ReentrantMutex: one task at a time, as often as it wants; or the tasks of one token
rwmutex         RWMutex: many readers, or one writer
semaphore       Semaphore: so many of something, to be taken and given back
waitgroup       WaitGroup: until all that was announced is done
watch           Watch: the latest value, and word of the next one
"""
