/* What there is: the structures, what each field means, and the state of the module. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

#ifdef PYPY_VERSION
#error "PyPy runs the Python core: it compiles that better than it calls C"
#endif

typedef struct State State;
typedef struct RunQueue RunQueue;
typedef struct Chan Chan;
typedef struct Op Op;
typedef struct Node Node;

/* What a place in a line is there for. The first three wait in recvq. */
enum { RECV, RECV_OK, DONE, SEND, RESERVE, WAIT };

/* How an operation answers, and by which name people know it: see VERBS in operation.h. */
enum { V_SEND, V_RECV, V_NEXT, V_RECV_OK, V_SELECT, V_RESERVE, V_PARK, V_SIGNAL_WAIT, V_SIGNAL_OK, V_ENTER, V_EXIT };

/* The state of an operation leaves PARKED once and never changes again. GRANTED: a permit, a place or a turn is ours.
 * ADMITTED: our value is in the ring, let in from the line. TAKEN: a receiver has our value. */
enum { FRESH, BREATHING, PARKED, CANCELLED, GRANTED, ADMITTED, TAKEN, CLOSED };

/* One attempt to do an operation now. */
enum { FAILED = -1, MUST_WAIT, SUCCEEDED, ENDED };

enum { OVERFLOW_WAIT, OVERFLOW_DROP_OLDEST, OVERFLOW_DROP_NEWEST };

#define INFINITE PY_SSIZE_T_MAX
#define FREE_MAX 256 /* operations kept for the next one to be made */

/* A place of an operation in one line, or a case of a select that has none (yet). */
struct Node {
    Node *prev, *next; /* in the line, circular; once admitted: in the channel's list of those in transit */
    PyObject *home;    /* a Chan or a WaitQueue; NULL: a case on None */
    PyObject *item;    /* what is sent; of a receive the view that it keeps alive, or NULL; or the tag of a WaitQueue */
    union {
        uint64_t ticket; /* PARKED: the number of its arrival, since two lines wait for room */
        uint64_t number; /* ADMITTED: the number of its value, see number_of_first */
    };
    uint32_t index;      /* of this node in its operation */
    uint32_t drawn : 26; /* how many cases of the select could stand here */
    uint32_t want : 4, linked : 1;
    uint32_t left : 1; /* it has just left the line, because of a cancellation */
};

/* One operation: coroutine, what its task waits for, and its places in lines, all in one. People see a `Waiter`. */
struct Op {
    PyObject_VAR_HEAD RunQueue *queue; /* of the loop in which it sleeps */
    PyObject *wakeup;                  /* how to wake the task */
    PyObject *context;                 /* in which */
    PyObject *extra;                   /* of a WaitQueue: give_back; once cancelled: the message */
    PyObject *origin;                  /* where it was made, if anybody wants to know that */
    union {
        Op *next_ready; /* in the run queue */
        State *shelf;   /* `quick`: where it goes back to */
    };
    uint32_t won; /* which node was served */
    uint8_t verb, state, over;
    uint8_t running : 1, ready : 1, blocking : 1, biased : 1;
    uint8_t finalized : 1; /* once, by the collector or in its dealloc */
    uint8_t quick : 1;     /* over at its first step, and empty */
    Node nodes[1];
};

/* What few channels need. */
typedef struct {
    PyObject *name, *cause;
    PyObject *capacity; /* if it is too large for `limit` */
    Node *slotq;        /* reservations asleep */
    Node *transit;      /* senders that were admitted and have not run yet, in the order of their values */
    uint64_t arrivals, dropped, shifted;
    uint64_t cleared; /* while less were received, a permit that is given back takes its value along: see clear */
    uint32_t reserved, slots;
    uint8_t numbered; /* a reservation had to wait once: arrivals have tickets from then on */
} Rare;

/* What a view begins with, and a channel too, whose `chan` is itself: so both are asked in the same way. */
#define END_HEAD                      \
    PyObject_HEAD PyObject *weakrefs; \
    Chan *chan;

typedef struct {
    END_HEAD
} End;

/* A line is named by its last node; the next after the last is the first. */
struct Chan {
    END_HEAD
    State *st;
    RunQueue *queue;  /* of the loop that first waited here */
    PyObject **ring;  /* the values, from `head` on; its size is a power of two */
    PyObject *slot;   /* a ring of one, so that a rendezvous allocates nothing */
    Py_ssize_t limit; /* what room is measured by: capacity less reserved places; its complement once closed */
    uint64_t received;
    Node *recvq, *sendq; /* receivers and senders asleep */
    Rare *rare;
    uint32_t head, held, granted; /* of the values that are held, so many are promised */
    uint32_t receivers, senders;  /* how many sleep */
    uint8_t log2size, overflow, made;
};

typedef struct {
    PyObject_HEAD PyObject *weakrefs;
    State *st;
    RunQueue *queue;
    PyObject *name;
    Node *line;
    Py_ssize_t sleepers;
} WaitQueue;

/* `op.add_done_callback`, one for each queue: asyncio calls it at once, so it need not be made anew each time. */
typedef struct {
    PyObject_HEAD vectorcallfunc call;
    Op *op;
} Adder;

/* The woken tasks of one loop. Calling it drains it. */
struct RunQueue {
    PyObject_HEAD vectorcallfunc call;
    State *st;
    RunQueue *next; /* among all queues */
    PyObject *loop;
    PyObject *finished; /* what wake-ups are called with, see runqueue_new */
    PyObject *get_loop; /* a callable that returns the loop */
    PyObject *context;  /* an empty one: not that of whoever happened to wake somebody first */
    Adder *adder;
    Op *first, *last; /* of those that are ready */
    unsigned long thread;
    uint8_t scheduled, draining, each_alone, dead;
};

struct State {
    PyTypeObject *End_type, *SendChan_type, *RecvChan_type, *Chan_type, *Signal_type;
    PyTypeObject *WaitQueue_type, *Op_type, *RunQueue_type, *Adder_type, *Answer_type, *Method_type;

    long budget;         /* operations that may be done before somebody yields; below 0: any number */
    long turn, patience; /* see runqueue.h; 0: any number */
    RunQueue *queues;    /* all that there are; no reference */
    RunQueue *last;      /* the one that was asked for last; no reference */
    PyObject *observer;  /* or NULL */
    PyObject *dice;      /* somebody else's, or NULL */
    uint64_t random;     /* the state of our own */

    Op *free[FREE_MAX];
    int n_free, free_max; /* none, once the module is closing */
    PyObject *answer;     /* a StopIteration to be used again */

    /* from Python */
    PyObject *get_running_loop, *Future, *Task, *CancelledError;
    PyObject *ChannelClosed, *WouldBlock, *MisuseError;
    PyObject *wrong_loop, *whole, *Stats, *Snapshot, *Parked, *Reservation, *SelectLoop, *infinity;
    PyObject *coroutine_function;

    /* names */
    PyObject *wants[6], *overflows[3], *never;
    PyObject *s_blocking, *s_get_loop, *s_add_done_callback, *s_call_soon, *s_is_closed, *s_get_debug, *s_single_steps;
    PyObject *empty, *s_set_result, *s_parked, *s_wake, *s_woken, *s_left, *s_closed, *s_self;
    PyObject *s_name, *s_qualname, *s_module, *s_choose, *s_warnings, *s_warn, *s_args;
    PyObject *kw_context, *kw_loop;
};

static struct PyModuleDef module_def;

/* NULL once the module is gone, at the end of an interpreter. */
static inline State *state_of_type(PyTypeObject *type) {
    PyObject *module = ((PyHeapTypeObject *)type)->ht_module;
    return module ? (State *)PyModule_GetState(module) : NULL;
}

/* Of a type that may be a subclass; NULL and an error if its bases are none of ours. */
static State *state_of_subtype(PyTypeObject *type) {
    PyObject *module = PyType_GetModuleByDef(type, &module_def);
    return module ? (State *)PyModule_GetState(module) : NULL;
}

static inline State *state_of_op(Op *op) { return state_of_type(Py_TYPE(op)); }

static inline Op *op_of(Node *node) { return (Op *)((char *)(node - node->index) - offsetof(Op, nodes)); }

static inline Chan *chan_of(Node *node) { return (Chan *)node->home; }

/* What a newcomer may take, and what len(ch) tells. */
static inline Py_ssize_t surplus(Chan *c) { return (Py_ssize_t)c->held - c->granted; }

static inline int is_closed(Chan *c) { return c->limit < 0; }

/* Open, and surplus + reserved < capacity. */
static inline int has_room(Chan *c) { return surplus(c) < c->limit; }

static inline Node *slotq(Chan *c) { return c->rare ? c->rare->slotq : NULL; }

static inline Node *first_in(Node *last) { return last ? last->next : NULL; }

/* Between these two an error that is on its way is kept aside, so that Python code may run. */
typedef struct {
    PyObject *type, *value, *traceback;
} Error;

static inline Error error_keep(void) {
    Error error;
    PyErr_Fetch(&error.type, &error.value, &error.traceback);
    return error;
}

static inline void error_drop(Error error) {
    Py_XDECREF(error.type);
    Py_XDECREF(error.value);
    Py_XDECREF(error.traceback);
}

static inline void error_restore(Error error) { PyErr_Restore(error.type, error.value, error.traceback); }
