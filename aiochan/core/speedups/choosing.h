/* Which case of a select: the dice and the first two of Go's three passes, look and stand. What select.py says, in C.
 *
 * S1  Exactly one case has an effect, or none if the select is cancelled.
 * S2  Among those that are ready each has the same chance: they are counted, the dice are thrown once, and the one that
 *     was thrown is found by counting again. (A shuffle, as in Go, costs more whenever few are ready.) */

/* -- the dice belong to the library, so that nobody else's seed can load them */

static inline uint64_t next_random(State *st) { /* splitmix64 */
    uint64_t x = (st->random += 0x9E3779B97F4A7C15u);
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* One of 0 .. n-1, n >= 2; -1 on error. Somebody else's dice are Python code. */
static Py_ssize_t throw_dice(State *st, Py_ssize_t n) {
    if (st->dice == NULL) return (Py_ssize_t)(((next_random(st) >> 32) * (uint64_t)n) >> 32);
    PyObject *dice = Py_NewRef(st->dice), *sides = PyLong_FromSsize_t(n);
    PyObject *answer = sides ? PyObject_CallOneArg(dice, sides) : NULL;
    Py_XDECREF(sides);
    Py_DECREF(dice);
    if (answer == NULL) return -1;
    Py_ssize_t thrown = PyNumber_AsSsize_t(answer, PyExc_IndexError);
    Py_DECREF(answer);
    if (thrown == -1 && PyErr_Occurred()) return -1;
    if (thrown < 0 || thrown >= n) {
        PyErr_Format(PyExc_IndexError, "dice for %zd answer one of 0 .. %zd, not %zd", n, n - 1, thrown);
        return -1;
    }
    return thrown;
}

/* -- pass 1: look */

static inline int is_ready(Node *node) {
    Chan *c = chan_of(node);
    if (c == NULL) return 0;
    if (node->want == SEND) return has_room(c) || c->recvq || is_closed(c) || c->overflow != OVERFLOW_WAIT;
    return surplus(c) > 0 || c->sendq || (is_closed(c) && c->held == 0);
}

static Node *find_ready(Op *op, Py_ssize_t skip) {
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++)
        if (is_ready(&op->nodes[i]) && skip-- == 0) return &op->nodes[i];
    return NULL;
}

/* Draw with dice that may change what is ready while they roll: the choice is among those that were ready before. */
static int draw_by_others(State *st, Op *op, Py_ssize_t ready, Node **drawn) {
    uint32_t *indices = PyMem_New(uint32_t, ready);
    if (indices == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t n = 0;
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++)
        if (is_ready(&op->nodes[i])) indices[n++] = (uint32_t)i;
    Py_ssize_t thrown = throw_dice(st, n);
    if (thrown >= 0) *drawn = &op->nodes[indices[thrown]];
    PyMem_Free(indices);
    return thrown < 0 ? -1 : 0;
}

/* Draw one of the cases that are ready, NULL if none is; -1 on error. */
static int look(State *st, Op *op, Node **drawn) {
    Py_ssize_t ready = 0;
    *drawn = NULL;
    if (op->biased) {
        *drawn = find_ready(op, 0);
        return 0;
    }
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++)
        if (is_ready(&op->nodes[i])) {
            *drawn = &op->nodes[i];
            ready++;
        }
    if (ready < 2) return 0;
    if (st->dice) return draw_by_others(st, op, ready, drawn);
    *drawn = find_ready(op, throw_dice(st, ready));
    return 0;
}

/* -- pass 2: stand */

/* Two cases want the same line, where the place is `there`: draw which of them it speaks for. -1 on error. */
static int share(State *st, Op *op, Node *there, Node *node) {
    uint32_t drawn = ++there->drawn;
    Py_ssize_t thrown = op->biased ? 1 : throw_dice(st, drawn);
    if (thrown < 0) return -1;
    if (thrown == 0 && there->linked) {
        replace(line_of(there), there, node);
        node->drawn = drawn;
        node->ticket = there->ticket;
    }
    return 0;
}

/* Our place in a line, if we have one. It is the last, unless somebody else's dice let others line up behind us. */
static Node *place_in(Op *op, Node **line, int others) {
    if (*line && op_of(*line) == op) return *line;
    for (Py_ssize_t i = 0; others && i < Py_SIZE(op); i++)
        if (op->nodes[i].linked && line_of(&op->nodes[i]) == line) return &op->nodes[i];
    return NULL;
}

/* Somebody else's dice may have used the channels since we looked: now that we stand there, serve whoever can be. */
static void settle_all(Op *op) {
    for (Py_ssize_t i = 0; i < Py_SIZE(op) && op->state == PARKED; i++) {
        Node *node = &op->nodes[i];
        if (node->linked && is_ready(node)) settle(chan_of(node));
    }
}

/* Line up for every case; all channels belong to the op's queue. Only somebody else's dice run Python code in here. */
static int stand(State *st, Op *op) {
    int others = st->dice != NULL;
    op->state = PARKED;
    for (Py_ssize_t i = 0; i < Py_SIZE(op) && op->state == PARKED; i++) {
        Node *node = &op->nodes[i];
        if (node->home == NULL) continue;
        Node *there = place_in(op, line_of(node), others);
        if (there) {
            if (share(st, op, there, node) < 0) return -1;
            continue;
        }
        node->drawn = 1;
        node->ticket = next_ticket(chan_of(node));
        link_node(op, node);
    }
    if (others) settle_all(op);
    return 0;
}
