/* Lines of sleeping tasks, and the one place where it is decided who is served: what waiters.py says, in C.
 *
 * L1  A node that is linked stands in the line of its home and side, and its operation is PARKED. The line owns one
 *     reference to the operation for each of its linked nodes, so a parked task is kept alive by what it waits on.
 * L2  An operation has at most one node in a line. A select of several cases of one line draws which of them stands
 *     there.
 * L3  Whoever is decided or has left stands in no line: leaving is O(1), and there are no tombstones.
 * L4  Nothing here runs Python code but `prepare_first`, before anything is decided, and `wake`, so that `commit` does
 *     as its last act, when all is in order again. */

static void append(Node **last, Node *node) {
    if (*last) {
        node->prev = *last;
        node->next = (*last)->next;
        node->next->prev = node;
        (*last)->next = node;
    } else node->prev = node->next = node;
    *last = node;
}

static void take_out(Node **last, Node *node) {
    if (node->next == node) *last = NULL;
    else {
        node->prev->next = node->next;
        node->next->prev = node->prev;
        if (*last == node) *last = node->prev;
    }
    node->prev = node->next = NULL;
}

/* `node` stands where `old` stood. */
static void replace(Node **last, Node *old, Node *node) {
    node->prev = old->prev == old ? node : old->prev;
    node->next = old->next == old ? node : old->next;
    node->prev->next = node->next->prev = node;
    if (*last == old) *last = node;
    old->prev = old->next = NULL;
    old->linked = 0;
    node->linked = 1;
}

static inline Node **line_of(Node *node) {
    if (node->want <= DONE) return &chan_of(node)->recvq;
    if (node->want == SEND) return &chan_of(node)->sendq;
    return node->want == RESERVE ? &chan_of(node)->rare->slotq : &((WaitQueue *)node->home)->line;
}

static inline void count(Node *node, int change) {
    if (node->want <= DONE) chan_of(node)->receivers += change;
    else if (node->want == SEND) chan_of(node)->senders += change;
    else if (node->want == RESERVE) chan_of(node)->rare->slots += change;
    else ((WaitQueue *)node->home)->sleepers += change;
}

static void link_node(Op *op, Node *node) {
    append(line_of(node), node);
    count(node, 1);
    node->linked = 1;
    Py_INCREF(op);
}

/* Out of its line; the line's reference is the caller's now. */
static void unlink_node(Node *node) {
    take_out(line_of(node), node);
    count(node, -1);
    node->linked = 0;
}

/* Out of every line; the caller holds a reference. */
static void leave(Op *op) {
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++)
        if (op->nodes[i].linked) {
            unlink_node(&op->nodes[i]);
            op->nodes[i].left = op->state == CANCELLED;
            Py_DECREF(op);
        }
}

static void observe(State *st, PyObject *method, PyObject *thing) {
    Error error = error_keep();
    PyObject *observer = Py_NewRef(st->observer);
    PyObject *result = PyObject_CallMethodOneArg(observer, method, thing);
    if (result == NULL) PyErr_WriteUnraisable(observer); /* an observer must not raise; what it hears of has happened */
    Py_XDECREF(result);
    Py_DECREF(observer);
    error_restore(error);
}

/* Whoever left its lines is still seen in them by the observer who hears of that. */
static void tell_observer(Op *op) {
    State *st = op->queue->st;
    if (st->observer) observe(st, op->state == CANCELLED ? st->s_left : st->s_woken, (PyObject *)op);
    if (op->state == CANCELLED)
        for (Py_ssize_t i = 0; i < Py_SIZE(op); i++) op->nodes[i].left = 0;
}

/* The task of a decided operation is told and woken. Python code may run. */
static void wake(Op *op) {
    tell_observer(op);
    if (op->wakeup) push(op->queue, op);
}

/* `prepare` for whoever is first in a line. */
static inline int prepare_first(Node *last) {
    Op *op = op_of(first_in(last));
    return op->wakeup ? prepare(op->queue) : 0;
}

/* The same where there is no way back: something was granted already, or taken. If the loop cannot be asked now, that
 * is told, and whoever becomes ready is woken together with the next one. 1: look again. */
static int prepare_surely(Node *last) {
    int prepared = prepare_first(last);
    if (prepared < 0) PyErr_WriteUnraisable((PyObject *)op_of(first_in(last))->queue);
    return prepared > 0;
}

/* Decide: this node is served and the others are withdrawn. The operation is the caller's, with the reference that the
 * line held: to wake it if it has a wake-up, and to let it go. */
static inline Op *decide(Node *node, int outcome) {
    Op *op = op_of(node);
    op->won = node->index;
    op->state = (uint8_t)outcome;
    unlink_node(node);
    if (Py_SIZE(op) > 1) leave(op);
    return op;
}

/* Decide, and tell the task. Who calls has prepared the queue, and counted whatever the outcome means, for Python code
 * may run in here. */
static void commit(Node *node, int outcome) {
    Op *op = decide(node, outcome);
    if (op->wakeup) wake(op);
    Py_DECREF(op);
}
