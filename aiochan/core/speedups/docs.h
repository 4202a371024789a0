/* The docstrings of the public objects.
 *
 * Made from those of the Python core by `python -m tests.docs.c_docs`: change those, not this file.
 */

#define DOC_End \
    "End(chan)\n" \
    "--\n" \
    "\n" \
    "What both ends can tell. Two views of the same end of one channel are equal."

#define DOC_End_capacity \
    "How many values fit in: 0, a whole number, or ``math.inf``."

#define DOC_End_closed \
    "Whether the channel was closed; values may still be in it."

#define DOC_End_name \
    "The name it was made with."

#define DOC_End_stats \
    "stats($self)\n" \
    "--\n" \
    "\n" \
    "Count what is in the channel, who waits for it and what has gone through."

#define DOC_SendChan \
    "SendChan(chan)\n" \
    "--\n" \
    "\n" \
    "The send end of a channel, as Go's ``chan<- T``; see `Chan` for what the methods do."

#define DOC_SendChan___aenter__ \
    "__aenter__($self)\n" \
    "--\n" \
    "\n"

#define DOC_SendChan___aexit__ \
    "__aexit__($self, kind, error, tb)\n" \
    "--\n" \
    "\n"

#define DOC_SendChan___enter__ \
    "__enter__($self)\n" \
    "--\n" \
    "\n"

#define DOC_SendChan___exit__ \
    "__exit__($self, kind, error, tb)\n" \
    "--\n" \
    "\n"

#define DOC_SendChan_capacity DOC_End_capacity

#define DOC_SendChan_close \
    "close($self, cause=None)\n" \
    "--\n" \
    "\n" \
    "Close the channel; see `Chan.close`."

#define DOC_SendChan_closed DOC_End_closed

#define DOC_SendChan_name DOC_End_name

#define DOC_SendChan_reserve \
    "reserve($self)\n" \
    "--\n" \
    "\n" \
    "Take a place now for a value that is produced later; see `Chan.reserve`."

#define DOC_SendChan_send \
    "send($self, value)\n" \
    "--\n" \
    "\n" \
    "Send `value`, waiting until there is room or a receiver; see `Chan.send`.\n" \
    "\n" \
    "Cancellation: the value was not sent, unless a receiver already had it or was promised one."

#define DOC_SendChan_send_nowait \
    "send_nowait($self, value)\n" \
    "--\n" \
    "\n" \
    "Send `value` now or raise WouldBlock; see `Chan.send_nowait`."

#define DOC_SendChan_stats DOC_End_stats

#define DOC_RecvChan \
    "RecvChan(chan)\n" \
    "--\n" \
    "\n" \
    "The receive end of a channel, as Go's ``<-chan T``; see `Chan` for what the methods do."

#define DOC_RecvChan_capacity DOC_End_capacity

#define DOC_RecvChan_closed DOC_End_closed

#define DOC_RecvChan_name DOC_End_name

#define DOC_RecvChan_recv \
    "recv($self)\n" \
    "--\n" \
    "\n" \
    "Receive the next value, waiting for it; see `Chan.recv`.\n" \
    "\n" \
    "Cancellation: nothing was received."

#define DOC_RecvChan_recv_nowait \
    "recv_nowait($self)\n" \
    "--\n" \
    "\n" \
    "Receive the next value now or raise WouldBlock; see `Chan.recv_nowait`."

#define DOC_RecvChan_recv_ok \
    "recv_ok($self)\n" \
    "--\n" \
    "\n" \
    "Receive ``(value, True)``, or ``(None, False)`` at the end; see `Chan.recv_ok`.\n" \
    "\n" \
    "Cancellation: nothing was received."

#define DOC_RecvChan_stats DOC_End_stats

#define DOC_Chan \
    "Chan(capacity=0, *, name=None, overflow='wait')\n" \
    "--\n" \
    "\n" \
    "A channel with Go's meaning: typed values from senders to receivers, first come, first served.\n" \
    "\n" \
    "Follows Go's ``make(chan T, capacity)``, with cancellation that loses nothing. Any object is a value, None included.\n" \
    "\n" \
    "Args:\n" \
    "    capacity: How many values fit in while nobody receives: 0 for a rendezvous, a whole number for a ring of that\n" \
    "        size, ``math.inf`` for no limit.\n" \
    "    name: Shown in ``repr``, in errors and in reports.\n" \
    "    overflow: What a send into a full channel does: ``\"wait\"``; ``\"drop_oldest\"`` lets the oldest value fall that\n" \
    "        nobody was promised (with capacity 1: the latest value only); ``\"drop_newest\"`` lets the arriving one fall.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: `capacity` is no whole number, or `name` no string.\n" \
    "    ValueError: `capacity` is negative, `overflow` is unknown, or a dropping channel has no room for one value."

#define DOC_Chan___aenter__ DOC_SendChan___aenter__

#define DOC_Chan___aexit__ DOC_SendChan___aexit__

#define DOC_Chan___enter__ DOC_SendChan___enter__

#define DOC_Chan___exit__ DOC_SendChan___exit__

#define DOC_Chan_capacity DOC_End_capacity

#define DOC_Chan_clear \
    "clear($self)\n" \
    "--\n" \
    "\n" \
    "Throw away the values that are in it, so that nobody receives them any more.\n" \
    "\n" \
    "What a woken receiver was promised stays its own. But if that receiver is cancelled before it runs, its value is\n" \
    "thrown away too, instead of going to the next in line. Senders asleep are let in; what they send stays.\n" \
    "\n" \
    "Returns:\n" \
    "    How many values were thrown away now.\n" \
    "\n" \
    "Raises:\n" \
    "    WrongLoop: The channel belongs to another thread."

#define DOC_Chan_close \
    "close($self, cause=None)\n" \
    "--\n" \
    "\n" \
    "Close the channel: nothing can be sent any more, what is in it can still be received.\n" \
    "\n" \
    "Sleeping senders and reservations are told at once and their values are not sent; sleeping receivers are told\n" \
    "first, or, while values are promised, when the last of these was taken. Follows Go's ``close(ch)``.\n" \
    "\n" \
    "Args:\n" \
    "    cause: Why, if not simply because all is done. It is the ``__cause__`` of every `ChannelClosed` from here\n" \
    "        on, and ``async for`` ends by raising that instead of just ending.\n" \
    "\n" \
    "Raises:\n" \
    "    ChannelClosed: It is closed already.\n" \
    "    TypeError: `cause` is no exception.\n" \
    "    WrongLoop: The channel belongs to another thread."

#define DOC_Chan_closed \
    "Whether it was closed; values may still be in it."

#define DOC_Chan_name DOC_End_name

#define DOC_Chan_receiver \
    "The receive end alone, as Go's ``<-chan T``."

#define DOC_Chan_recv \
    "recv($self)\n" \
    "--\n" \
    "\n" \
    "Receive the next value, waiting for it. Follows Go's ``<-ch``.\n" \
    "\n" \
    "Raises:\n" \
    "    ChannelClosed: The channel is closed and drained.\n" \
    "    WrongLoop: The channel belongs to another loop or thread. (Noticed where anybody has to sleep or is woken.)\n" \
    "\n" \
    "Cancellation: nothing was received. What this task had been promised goes to the next in line, in order."

#define DOC_Chan_recv_nowait \
    "recv_nowait($self)\n" \
    "--\n" \
    "\n" \
    "Receive the next value now, as a Go ``select`` with a ``default`` does.\n" \
    "\n" \
    "Raises:\n" \
    "    WouldBlock: There is no value that nobody was promised, and no sender.\n" \
    "    ChannelClosed: The channel is closed and drained.\n" \
    "    WrongLoop: The channel belongs to another thread."

#define DOC_Chan_recv_ok \
    "recv_ok($self)\n" \
    "--\n" \
    "\n" \
    "Receive ``(value, True)``, or ``(None, False)`` once closed and drained. Follows Go's ``v, ok := <-ch``.\n" \
    "\n" \
    "A type checker knows the type of the value after ``match await ch.recv_ok():`` with ``case value, True:``.\n" \
    "\n" \
    "Raises:\n" \
    "    WrongLoop: The channel belongs to another loop or thread.\n" \
    "\n" \
    "Cancellation: nothing was received, as in `recv`."

#define DOC_Chan_reserve \
    "reserve($self)\n" \
    "--\n" \
    "\n" \
    "Take a place first and produce the value later: ``async with ch.reserve() as place: place.send(v)``.\n" \
    "\n" \
    "Reservations and senders share one line, by arrival. A value that is sent through a place enters when it is\n" \
    "sent, ahead of the senders asleep then. A place that is not used goes to the next in line. Follows tokio's\n" \
    "``Sender::reserve``.\n" \
    "\n" \
    "Raises:\n" \
    "    ValueError: A rendezvous or dropping channel has no places to give."

#define DOC_Chan_send \
    "send($self, value)\n" \
    "--\n" \
    "\n" \
    "Send `value`, waiting until there is room for it or a receiver.\n" \
    "\n" \
    "Returns when the value is in the channel, or was taken by or promised to a receiver. Follows Go's ``ch <- v``.\n" \
    "\n" \
    "Raises:\n" \
    "    ChannelClosed: The channel is closed, or was while this waited; the value was not sent.\n" \
    "    WrongLoop: The channel belongs to another loop or thread. (Noticed where anybody has to sleep or is woken.)\n" \
    "\n" \
    "Cancellation: the value was not sent, with one exception: a receiver already had it or was promised it. (If that\n" \
    "receiver is cancelled too, with nobody behind it, the value stays in the channel, even at capacity 0.)"

#define DOC_Chan_send_nowait \
    "send_nowait($self, value)\n" \
    "--\n" \
    "\n" \
    "Send `value` now, as a Go ``select`` with a ``default`` does.\n" \
    "\n" \
    "Raises:\n" \
    "    WouldBlock: There is neither room nor a receiver.\n" \
    "    ChannelClosed: The channel is closed.\n" \
    "    WrongLoop: The channel belongs to another thread."

#define DOC_Chan_sender \
    "The send end alone, as Go's ``chan<- T``."

#define DOC_Chan_stats DOC_End_stats

#define DOC_Signal \
    "Signal(name=None)\n" \
    "--\n" \
    "\n" \
    "A channel that carries no value: closing it is the message, to everybody who waits now or later.\n" \
    "\n" \
    "Follows Go's ``done := make(chan struct{})`` with ``close(done)``. Unlike a channel it may be closed twice, and\n" \
    "receiving from it once closed answers None instead of raising.\n" \
    "\n" \
    "Args:\n" \
    "    name: Shown in ``repr`` and in reports."

#define DOC_Signal_capacity DOC_End_capacity

#define DOC_Signal_close \
    "close($self)\n" \
    "--\n" \
    "\n" \
    "Say it: wake everybody who waits. Closing again does nothing.\n" \
    "\n" \
    "Raises:\n" \
    "    WrongLoop: The signal belongs to another thread."

#define DOC_Signal_closed DOC_End_closed

#define DOC_Signal_name DOC_End_name

#define DOC_Signal_recv \
    "recv($self)\n" \
    "--\n" \
    "\n" \
    "Wait until the signal is closed; the same as `wait`, as a channel spells it.\n" \
    "\n" \
    "Cancellation: changes nothing."

#define DOC_Signal_recv_nowait \
    "recv_nowait($self)\n" \
    "--\n" \
    "\n" \
    "Return None if the signal is closed.\n" \
    "\n" \
    "Raises:\n" \
    "    WouldBlock: It is still open.\n" \
    "    WrongLoop: The signal belongs to another thread."

#define DOC_Signal_recv_ok \
    "recv_ok($self)\n" \
    "--\n" \
    "\n" \
    "Wait until the signal is closed, and answer as a channel that has ended.\n" \
    "\n" \
    "Cancellation: changes nothing."

#define DOC_Signal_stats DOC_End_stats

#define DOC_Signal_wait \
    "wait($self)\n" \
    "--\n" \
    "\n" \
    "Wait until the signal is closed.\n" \
    "\n" \
    "Raises:\n" \
    "    WrongLoop: The signal belongs to another loop or thread.\n" \
    "\n" \
    "Cancellation: changes nothing."

#define DOC_WaitQueue \
    "WaitQueue(name=None)\n" \
    "--\n" \
    "\n" \
    "A line of tasks that wait for their turn: what locks, semaphores and barriers are built on.\n" \
    "\n" \
    "It parks and wakes, first come first served, and knows nothing else: what the turn is good for is the caller's\n" \
    "state, to be changed by whoever wakes, at once, so that nobody can slip in before the woken task runs. A lock::\n" \
    "\n" \
    "    async def lock(self) -> None:\n" \
    "        if self.locked:\n" \
    "            await self.line.park(give_back=self.unlock)  # woken: the lock is ours already\n" \
    "        self.locked = True\n" \
    "\n" \
    "    def unlock(self) -> None:\n" \
    "        if not self.line.wake():                         # handed to the longest waiting, or else free\n" \
    "            self.locked = False\n" \
    "\n" \
    "A queue is always true; ``len(queue)`` tells whether anybody sleeps.\n" \
    "\n" \
    "After Go's ``runtime.sema`` and trio's ``ParkingLot``, with the rule of cancellation that asyncio needs.\n" \
    "\n" \
    "Args:\n" \
    "    name: Shown in ``repr`` and in reports."

#define DOC_WaitQueue_first \
    "The tag of the task that has waited longest; None when nobody sleeps here."

#define DOC_WaitQueue_park \
    "park($self, tag=None, give_back=None)\n" \
    "--\n" \
    "\n" \
    "Sleep until somebody wakes this task.\n" \
    "\n" \
    "Args:\n" \
    "    tag: What this task wants, for whoever wakes to see (`first`); None if there is nothing to tell.\n" \
    "    give_back: Called when the task was woken and then cancelled before it ran, so that what it was granted\n" \
    "        goes on to the next in line. It must not wait. Left out, it is `wake`.\n" \
    "\n" \
    "Raises:\n" \
    "    WrongLoop: Tasks of another loop or thread wait here.\n" \
    "\n" \
    "Cancellation: loses nothing. Asleep, the task leaves the line and nobody else moves; woken already, it calls\n" \
    "`give_back` before the CancelledError goes on."

#define DOC_WaitQueue_wake \
    "wake($self, n=1)\n" \
    "--\n" \
    "\n" \
    "Wake the `n` tasks that have waited longest.\n" \
    "\n" \
    "Returns:\n" \
    "    How many were woken: less than `n` when no more sleep here.\n" \
    "\n" \
    "Raises:\n" \
    "    ValueError: `n` is negative.\n" \
    "    WrongLoop: They belong to the loop of another thread."

#define DOC_WaitQueue_wake_all \
    "wake_all($self)\n" \
    "--\n" \
    "\n" \
    "Wake everybody who sleeps here now, and return how many that were."

#define DOC_Waiter \
    "One sleeping task: what it awaits and, for a plain operation, its place in line as well."

#define DOC_Waiter_add_done_callback \
    "add_done_callback($self, wakeup, *, context=None)\n" \
    "--\n" \
    "\n" \
    "Remember how to wake the task; it is asleep from now on."

#define DOC_Waiter_cancel \
    "cancel($self, msg=None)\n" \
    "--\n" \
    "\n" \
    "Take the task out of every line and wake it with a CancelledError; False when it was decided before."

#define DOC_Waiter_commit \
    "commit($self, outcome)\n" \
    "--\n" \
    "\n" \
    "Decide this wait and wake the task; None when it was decided before."

#define DOC_Waiter_done \
    "done($self)\n" \
    "--\n" \
    "\n" \
    "Tell whether this wait is decided; anyio asks."

#define DOC_Waiter_leave \
    "leave($self)\n" \
    "--\n" \
    "\n" \
    "Turn what stands in line into a tombstone, which keeps nothing alive, not even in a circle with its line."

#define DOC_Waiter_owner \
    "The task that sleeps, if it is a task."

#define DOC_Waiter_parked \
    "parked($self)\n" \
    "--\n" \
    "\n" \
    "Describe it as a place in line."

#define DOC_Waiter_quit \
    "quit($self)\n" \
    "--\n" \
    "\n" \
    "Leave every line: the coroutine was thrown into or closed in its sleep. Nothing once decided."

#define DOC_Waiter_waits_for \
    "waits_for($self)\n" \
    "--\n" \
    "\n" \
    "List the objects it sleeps on, or what woke it: each with what it wants there, and its case in a select."

#define DOC_never \
    "never($module)\n" \
    "--\n" \
    "\n" \
    "Return a receive end on which nothing ever arrives, as Go's nil channel.\n" \
    "\n" \
    "A case of a select on it (or on None) is never ready. Each call makes a new one, so it may be used in any loop."

#define DOC_recv \
    "recv($module, ch)\n" \
    "--\n" \
    "\n" \
    "Make the case \"receive from `ch`\", as Go's ``case v := <-ch``.\n" \
    "\n" \
    "Args:\n" \
    "    ch: A channel, its receive end or a `Signal`. On None (Go's nil channel) the case is never ready.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: `ch` cannot be received from."

#define DOC_recv_ok \
    "recv_ok($module, ch)\n" \
    "--\n" \
    "\n" \
    "Make the case \"receive from `ch`, or hear that it has ended\", as Go's ``case v, ok := <-ch``.\n" \
    "\n" \
    "It answers ``(value, True)``, or ``(None, False)`` once the channel is closed and drained.\n" \
    "\n" \
    "Args:\n" \
    "    ch: A channel, its receive end or a `Signal`. On None (Go's nil channel) the case is never ready.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: `ch` cannot be received from."

#define DOC_send \
    "send($module, ch, value)\n" \
    "--\n" \
    "\n" \
    "Make the case \"send `value` to `ch`\", as Go's ``case ch <- value``.\n" \
    "\n" \
    "Args:\n" \
    "    ch: A channel or its send end. On None (Go's nil channel) the case is never ready.\n" \
    "    value: What is sent if this case is chosen.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: `ch` cannot be sent to."

#define DOC_select \
    "select($module, *cases, biased=False)\n" \
    "--\n" \
    "\n" \
    "Wait until one of the cases can be done, do it, and answer ``(index, value)``.\n" \
    "\n" \
    "Follows Go's ``select``: exactly one case happens; among those that are ready the choice is uniformly random. The\n" \
    "value is what was received, ``(value, ok)`` for `recv_ok`, and None for a send. A select of no cases, or of cases on\n" \
    "None, waits for ever. Use it with ``match``::\n" \
    "\n" \
    "    match await ac.select(ac.recv(jobs), ac.send(out, item), ac.recv(done)):\n" \
    "        case 0, job: ...\n" \
    "        case 1, _: ...\n" \
    "        case 2, _: return\n" \
    "\n" \
    "Args:\n" \
    "    cases: Any number of `recv`, `recv_ok` and `send`; the same channel may stand in several, on both sides too.\n" \
    "    biased: Take the first case that is ready instead of a random one.\n" \
    "\n" \
    "Raises:\n" \
    "    ChannelClosed: The case that was chosen is a `recv` on a closed, drained channel or a `send` on a closed one;\n" \
    "        ``error.index`` is its number.\n" \
    "    TypeError: An argument is no case.\n" \
    "    WrongLoop: A channel belongs to another loop or thread.\n" \
    "\n" \
    "Cancellation: nothing was received. Nothing was sent either, with one exception: one of the values had already been\n" \
    "taken by a receiver, or promised to it."

#define DOC_select_nowait \
    "select_nowait($module, *cases, biased=False)\n" \
    "--\n" \
    "\n" \
    "Do one of the cases now and answer ``(index, value)``, as a Go ``select`` with a ``default``.\n" \
    "\n" \
    "Args:\n" \
    "    cases: As for `select`.\n" \
    "    biased: Take the first case that is ready instead of a random one.\n" \
    "\n" \
    "Raises:\n" \
    "    WouldBlock: No case is ready: Go's ``default``.\n" \
    "    ChannelClosed: As for `select`.\n" \
    "    TypeError: An argument is no case.\n" \
    "    WrongLoop: The channel of the chosen case belongs to another thread."

#define DOC_select_loop \
    "select_loop($module, *cases, biased=False)\n" \
    "--\n" \
    "\n" \
    "Select again and again over the same cases, until none is left.\n" \
    "\n" \
    "A receive case leaves when its channel has ended, silently for `recv`, with ``(None, False)`` for `recv_ok`, with None\n" \
    "for a `Signal`. A channel that was closed with a cause ends the loop by raising that, as ``async for`` over it would.\n" \
    "A send case sends the same value each time it is chosen. Cases on None are left out. The numbers of the cases stay\n" \
    "what they were::\n" \
    "\n" \
    "    async for index, value in ac.select_loop(ac.recv(left), ac.recv(right)):\n" \
    "        ...\n" \
    "\n" \
    "Args:\n" \
    "    cases: As for `select`.\n" \
    "    biased: Take the first case that is ready instead of a random one.\n" \
    "\n" \
    "Raises:\n" \
    "    ChannelClosed: A channel was closed with a cause, or a case sends to a closed channel; ``error.index`` says which.\n" \
    "    TypeError: An argument is no case.\n" \
    "    WrongLoop: A channel belongs to another loop or thread.\n" \
    "\n" \
    "Cancellation: as for `select`, in each round. Between rounds nothing is held: the loop may be left at any time."

#define DOC_set_dice \
    "set_dice($module, dice)\n" \
    "--\n" \
    "\n" \
    "Put other dice in place of the library's own, for tests.\n" \
    "\n" \
    "Args:\n" \
    "    dice: Called with n >= 2 for every draw, it answers one of 0 .. n-1; None puts the library's own back.\n" \
    "\n" \
    "Returns:\n" \
    "    What was in place before, None for the library's own."

#define DOC_seed \
    "seed($module, value=None)\n" \
    "--\n" \
    "\n" \
    "Seed the library's own dice, so that a run can be repeated; None takes a seed from the system."

#define DOC_set_budget \
    "set_budget($module, turn=256, patience=1024)\n" \
    "--\n" \
    "\n" \
    "Bound how many operations may be done before the loop gets its turn.\n" \
    "\n" \
    "Args:\n" \
    "    turn: Operations that woken tasks may do in one turn of the loop, those answered at once included; 0 for any\n" \
    "        number.\n" \
    "    patience: Operations answered at once in a row before a task goes once round the loop; 0 for never.\n" \
    "\n" \
    "Returns:\n" \
    "    The two bounds that were in force before.\n" \
    "\n" \
    "Raises:\n" \
    "    TypeError: A bound is no whole number.\n" \
    "    ValueError: A bound is negative."

#define DOC_budget_left \
    "budget_left($module)\n" \
    "--\n" \
    "\n" \
    "Tell how many operations may still be done before somebody yields; None when there is no bound."
