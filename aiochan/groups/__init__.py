"""Tasks that have an owner, who waits for them and hears of their errors.

crew            where tasks are started, watched, cancelled and awaited: what the others stand on
errgroup        ErrGroup: tasks that work on one thing, of which the first error stops the others
errwaitgroup    ErrWaitGroup: count down and gather errors, for work that is no task of ours
go              go: a task that belongs to nobody, and is kept alive and heard all the same
singleflight    SingleFlight: one call for all who ask for the same thing at the same time
together        all_of, race, first_of, last_of: several functions at the same time, and one answer
retry           retry: try again, with longer and longer pauses
waterfall       waterfall: one function after the other, each with the result of the one before
checks          what these refuse
schedule        Schedule: jobs that run at their times, with one timer for all
workers         WorkerPool: many jobs, of which a few run beside each other
workshop        where the jobs of a pool stand in line, and how many of them run
jobs            what a schedule and a pool have in common
"""
