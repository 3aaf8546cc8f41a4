/* A producer and a consumer of DLPack and Arrow capsules, for interpreters that no library of that kind loads into.

   What is released is written down with the interpreter and the thread in which that happened: see log(). Trees of
   Arrow are nested tuples:

       schema  (format, name, metadata, flags, [schema], schema or None)
       array   (length, null_count, offset, [address], [array], array or None)
*/
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was released where */

typedef struct {
    const char *what;
    int64_t interpreter; /* -1: the thread was attached to none */
    uint64_t thread;
} Entry;

static Entry entries[4096];
static int count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int64_t interpreter(void) {
#if PY_VERSION_HEX >= 0x030D0000
    PyThreadState *state = PyThreadState_GetUnchecked();
#else
    PyThreadState *state = _PyThreadState_UncheckedGet();
#endif
    return state ? PyInterpreterState_GetID(PyThreadState_GetInterpreter(state)) : -1;
}

static void note(const char *what) {
    pthread_mutex_lock(&mutex);
    if (count < 4096) {
        entries[count++] = (Entry){what, interpreter(), PyThread_get_thread_ident()};
    }
    pthread_mutex_unlock(&mutex);
}

static PyObject *read_log(PyObject *self, PyObject *none) {
    (void)self, (void)none;
    PyObject *list = PyList_New(0);
    pthread_mutex_lock(&mutex);
    for (int i = 0; list && i < count; i++) {
        PyObject *row = Py_BuildValue("(sLK)", entries[i].what, (long long)entries[i].interpreter,
                                      (unsigned long long)entries[i].thread);
        if (!row || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    count = 0;
    pthread_mutex_unlock(&mutex);
    return list;
}

/* The object that a producer keeps: gone with it, so whoever lets go of it has to be in the right interpreter. */
static void let_go(PyObject *keep) {
    if (interpreter() >= 0) {
        Py_XDECREF(keep);
    }
}

/* Runs a function in a thread that no interpreter knows. */
typedef struct {
    void (*call)(void *);
    void *argument;
} Job;

static void *work(void *job) {
    ((Job *)job)->call(((Job *)job)->argument);
    return NULL;
}

static void run(void (*call)(void *), void *argument, int foreign) {
    Job job = {call, argument};
    pthread_t thread;
    if (!foreign) {
        call(argument);
    } else if (pthread_create(&thread, NULL, work, &job) == 0) {
        pthread_join(thread, NULL);
    }
}

/* ---- DLPack */

typedef struct {
    void *data;
    int32_t device_type, device_id, ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} DLTensor;

typedef struct DLPlain {
    DLTensor tensor;
    void *context;
    void (*deleter)(struct DLPlain *);
} DLPlain;

typedef struct DLVersioned {
    uint32_t major, minor;
    void *context;
    void (*deleter)(struct DLVersioned *);
    uint64_t flags;
    DLTensor tensor;
} DLVersioned;

static void delete_plain(DLPlain *managed) {
    note("tensor");
    let_go(managed->context);
    free(managed->tensor.shape);
    free(managed->tensor.strides);
    free(managed);
}

static void delete_versioned(DLVersioned *managed) {
    note("tensor");
    let_go(managed->context);
    free(managed->tensor.shape);
    free(managed->tensor.strides);
    free(managed);
}

static void drop_capsule(PyObject *capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor")) {
        DLPlain *managed = PyCapsule_GetPointer(capsule, "dltensor");
        managed->deleter(managed);
    } else if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        DLVersioned *managed = PyCapsule_GetPointer(capsule, "dltensor_versioned");
        managed->deleter(managed);
    }
}

static int64_t *numbers(PyObject *tuple) {
    if (tuple == Py_None) {
        return NULL;
    }
    Py_ssize_t length = PyTuple_Size(tuple);
    int64_t *numbers = calloc(length > 0 ? length : 1, sizeof(int64_t));
    for (Py_ssize_t i = 0; numbers && i < length; i++) {
        numbers[i] = PyLong_AsLongLong(PyTuple_GetItem(tuple, i));
    }
    return numbers;
}

/* tensor(keep, address, shape, strides, code, bits, lanes, device, byte_offset, version, flags, ndim) */
static PyObject *tensor(PyObject *self, PyObject *args) {
    (void)self;
    PyObject *keep, *shape, *strides;
    unsigned long long address, byte_offset, flags;
    int code, bits, lanes, device, version, ndim;
    if (!PyArg_ParseTuple(args, "OKO!OiiiiKiKi", &keep, &address, &PyTuple_Type, &shape, &strides, &code, &bits,
                          &lanes, &device, &byte_offset, &version, &flags, &ndim)) {
        return NULL;
    }
    DLTensor tensor = {(void *)(uintptr_t)address, device, 0, ndim, code, bits, lanes, numbers(shape),
                       numbers(strides), byte_offset};
    if (version) {
        DLVersioned *managed = calloc(1, sizeof *managed);
        *managed = (DLVersioned){version, 0, Py_NewRef(keep), delete_versioned, flags, tensor};
        return PyCapsule_New(managed, "dltensor_versioned", drop_capsule);
    }
    DLPlain *managed = calloc(1, sizeof *managed);
    *managed = (DLPlain){tensor, Py_NewRef(keep), delete_plain};
    return PyCapsule_New(managed, "dltensor", drop_capsule);
}

static PyObject *list_of(const int64_t *numbers, int64_t length) {
    PyObject *list = PyList_New(length);
    for (int64_t i = 0; list && i < length; i++) {
        PyList_SetItem(list, i, PyLong_FromLongLong(numbers[i]));
    }
    return list;
}

/* take_tensor(capsule) -> (handle, address, shape, strides, (code, bits, lanes), device, version, flags) */
static PyObject *take_tensor(PyObject *self, PyObject *capsule) {
    (void)self;
    DLTensor *tensor;
    void *handle;
    int version = 0;
    unsigned long long flags = 0;
    if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        DLVersioned *managed = handle = PyCapsule_GetPointer(capsule, "dltensor_versioned");
        PyCapsule_SetName(capsule, "used_dltensor_versioned");
        tensor = &managed->tensor;
        version = managed->major;
        flags = managed->flags;
    } else {
        DLPlain *managed = handle = PyCapsule_GetPointer(capsule, "dltensor");
        if (!managed) {
            return NULL;
        }
        PyCapsule_SetName(capsule, "used_dltensor");
        tensor = &managed->tensor;
    }
    return Py_BuildValue("(KKNN(iii)(ii)iK)", (unsigned long long)(uintptr_t)handle,
                         (unsigned long long)(uintptr_t)tensor->data + tensor->byte_offset,
                         list_of(tensor->shape, tensor->ndim), list_of(tensor->strides, tensor->ndim),
                         tensor->code, tensor->bits, tensor->lanes, tensor->device_type, tensor->device_id,
                         version, flags);
}

static void call_plain(void *managed) {
    ((DLPlain *)managed)->deleter(managed);
}

static void call_versioned(void *managed) {
    ((DLVersioned *)managed)->deleter(managed);
}

/* delete_tensor(handle, version, foreign_thread) */
static PyObject *delete_tensor(PyObject *self, PyObject *args) {
    (void)self;
    unsigned long long handle;
    int version, foreign;
    if (!PyArg_ParseTuple(args, "Kip", &handle, &version, &foreign)) {
        return NULL;
    }
    run(version ? call_versioned : call_plain, (void *)(uintptr_t)handle, foreign);
    Py_RETURN_NONE;
}

/* ---- Arrow */

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

static void release_schema(struct ArrowSchema *schema) {
    note("schema");
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i] && schema->children[i]->release) {
            schema->children[i]->release(schema->children[i]);
        }
        free(schema->children[i]);
    }
    free(schema->children);
    if (schema->dictionary) {
        if (schema->dictionary->release) {
            schema->dictionary->release(schema->dictionary);
        }
        free(schema->dictionary);
    }
    free((void *)schema->format);
    free((void *)schema->name);
    free((void *)schema->metadata);
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array) {
    note("array");
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i] && array->children[i]->release) {
            array->children[i]->release(array->children[i]);
        }
        free(array->children[i]);
    }
    free(array->children);
    if (array->dictionary) {
        if (array->dictionary->release) {
            array->dictionary->release(array->dictionary);
        }
        free(array->dictionary);
    }
    free(array->buffers);
    let_go(array->private_data);
    array->release = NULL;
}

static char *copy_text(PyObject *text) {
    if (text == Py_None) {
        return NULL;
    }
    return PyBytes_Check(text) ? memcpy(malloc(PyBytes_Size(text)), PyBytes_AsString(text), PyBytes_Size(text))
                               : strdup(PyUnicode_AsUTF8(text));
}

/* What is given for a child may also be None, for a child that is released, or 0, for NULL. */
static int fill_schema(struct ArrowSchema *schema, PyObject *tree) {
    PyObject *format, *name, *metadata, *children, *dictionary;
    long long flags;
    memset(schema, 0, sizeof *schema);
    if (tree == Py_None) {
        return 0;
    }
    if (!PyArg_ParseTuple(tree, "OOOLO!O", &format, &name, &metadata, &flags, &PyList_Type, &children,
                          &dictionary)) {
        return -1;
    }
    schema->format = copy_text(format);
    schema->name = copy_text(name);
    schema->metadata = copy_text(metadata);
    schema->flags = flags;
    schema->release = release_schema;
    schema->n_children = PyList_Size(children);
    schema->children = calloc(schema->n_children + 1, sizeof(void *));
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (PyLong_Check(PyList_GetItem(children, i))) {
            continue;
        }
        schema->children[i] = calloc(1, sizeof *schema);
        if (fill_schema(schema->children[i], PyList_GetItem(children, i)) < 0) {
            return -1;
        }
    }
    if (dictionary != Py_None) {
        schema->dictionary = calloc(1, sizeof *schema);
        return fill_schema(schema->dictionary, dictionary);
    }
    return 0;
}

static int fill_array(struct ArrowArray *array, PyObject *tree, PyObject *keep) {
    PyObject *buffers, *children, *dictionary;
    long long length, null_count, offset;
    memset(array, 0, sizeof *array);
    if (tree == Py_None) {
        return 0;
    }
    if (!PyArg_ParseTuple(tree, "LLLO!O!O", &length, &null_count, &offset, &PyList_Type, &buffers, &PyList_Type,
                          &children, &dictionary)) {
        return -1;
    }
    array->length = length;
    array->null_count = null_count;
    array->offset = offset;
    array->release = release_array;
    array->private_data = Py_NewRef(keep);
    array->n_buffers = PyList_Size(buffers);
    array->buffers = calloc(array->n_buffers + 1, sizeof(void *));
    for (int64_t i = 0; i < array->n_buffers; i++) {
        array->buffers[i] = (void *)(uintptr_t)PyLong_AsUnsignedLongLong(PyList_GetItem(buffers, i));
    }
    array->n_children = PyList_Size(children);
    array->children = calloc(array->n_children + 1, sizeof(void *));
    for (int64_t i = 0; i < array->n_children; i++) {
        if (PyLong_Check(PyList_GetItem(children, i))) {
            continue;
        }
        array->children[i] = calloc(1, sizeof *array);
        if (fill_array(array->children[i], PyList_GetItem(children, i), keep) < 0) {
            return -1;
        }
    }
    if (dictionary != Py_None) {
        array->dictionary = calloc(1, sizeof *array);
        return fill_array(array->dictionary, dictionary, keep);
    }
    return PyErr_Occurred() ? -1 : 0;
}

#define DROP(type, name)                                                     \
    static void drop_##type(PyObject *capsule) {                             \
        struct type *structure = PyCapsule_GetPointer(capsule, name);        \
        if (structure->release) {                                            \
            structure->release(structure);                                   \
        }                                                                    \
        free(structure);                                                     \
    }
DROP(ArrowSchema, "arrow_schema")
DROP(ArrowArray, "arrow_array")
DROP(ArrowArrayStream, "arrow_array_stream")

/* schema(tree) -> capsule */
static PyObject *schema(PyObject *self, PyObject *tree) {
    (void)self;
    struct ArrowSchema *schema = calloc(1, sizeof *schema);
    if (fill_schema(schema, tree) < 0) {
        return NULL;
    }
    return PyCapsule_New(schema, "arrow_schema", drop_ArrowSchema);
}

/* array(tree, keep) -> capsule */
static PyObject *array(PyObject *self, PyObject *args) {
    (void)self;
    PyObject *tree, *keep;
    if (!PyArg_ParseTuple(args, "OO", &tree, &keep)) {
        return NULL;
    }
    struct ArrowArray *array = calloc(1, sizeof *array);
    if (fill_array(array, tree, keep) < 0) {
        return NULL;
    }
    return PyCapsule_New(array, "arrow_array", drop_ArrowArray);
}

typedef struct {
    PyObject *schema, *arrays, *keep;
    Py_ssize_t next;
    char *message;
    int failure;
} Streamed;

static const char *last_error(struct ArrowArrayStream *stream) {
    return ((Streamed *)stream->private_data)->message;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema) {
    Streamed *streamed = stream->private_data;
    return streamed->schema == Py_None ? streamed->failure : fill_schema(schema, streamed->schema);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *array) {
    Streamed *streamed = stream->private_data;
    memset(array, 0, sizeof *array);
    if (streamed->next < PyList_Size(streamed->arrays)) {
        return fill_array(array, PyList_GetItem(streamed->arrays, streamed->next++), streamed->keep);
    }
    return streamed->failure;
}

static void release_stream(struct ArrowArrayStream *stream) {
    note("stream");
    Streamed *streamed = stream->private_data;
    let_go(streamed->schema);
    let_go(streamed->arrays);
    let_go(streamed->keep);
    free(streamed->message);
    free(streamed);
    stream->release = NULL;
}

/* stream(schema or None, [array], keep, failure, message): fails in the end, unless failure is 0. */
static PyObject *stream(PyObject *self, PyObject *args) {
    (void)self;
    PyObject *schema, *arrays, *keep;
    int failure;
    const char *message;
    if (!PyArg_ParseTuple(args, "OO!Oiz", &schema, &PyList_Type, &arrays, &keep, &failure, &message)) {
        return NULL;
    }
    struct ArrowArrayStream *stream = calloc(1, sizeof *stream);
    Streamed *streamed = calloc(1, sizeof *streamed);
    *streamed = (Streamed){Py_NewRef(schema), Py_NewRef(arrays), Py_NewRef(keep), 0,
                           message ? strdup(message) : NULL, failure};
    *stream = (struct ArrowArrayStream){get_schema, get_next, last_error, release_stream, streamed};
    return PyCapsule_New(stream, "arrow_array_stream", drop_ArrowArrayStream);
}

/* named(name) -> a capsule of that name, with nothing behind it */
static PyObject *named(PyObject *self, PyObject *name) {
    (void)self;
    static struct ArrowArrayStream nothing;
    return PyCapsule_New(&nothing, strdup(PyUnicode_AsUTF8(name)), NULL);
}

static PyObject *text_of(const char *text) {
    return text ? PyUnicode_FromString(text) : Py_NewRef(Py_None);
}

static PyObject *metadata_of(const char *metadata) {
    if (!metadata) {
        Py_RETURN_NONE;
    }
    const char *end = metadata;
    int32_t pairs, length;
    memcpy(&pairs, end, 4);
    end += 4;
    for (int32_t i = 0; i < 2 * pairs; i++) {
        memcpy(&length, end, 4);
        end += 4 + length;
    }
    return PyBytes_FromStringAndSize(metadata, end - metadata);
}

static PyObject *tree_of_schema(struct ArrowSchema *schema) {
    if (!schema) {
        Py_RETURN_NONE;
    }
    PyObject *children = PyList_New(schema->n_children);
    for (int64_t i = 0; i < schema->n_children; i++) {
        PyList_SetItem(children, i, tree_of_schema(schema->children[i]));
    }
    return Py_BuildValue("(NNNLNN)", text_of(schema->format), text_of(schema->name), metadata_of(schema->metadata),
                         (long long)schema->flags, children, tree_of_schema(schema->dictionary));
}

static PyObject *tree_of_array(struct ArrowArray *array) {
    if (!array) {
        Py_RETURN_NONE;
    }
    PyObject *children = PyList_New(array->n_children);
    for (int64_t i = 0; i < array->n_children; i++) {
        PyList_SetItem(children, i, tree_of_array(array->children[i]));
    }
    PyObject *buffers = PyList_New(array->n_buffers);
    for (int64_t i = 0; i < array->n_buffers; i++) {
        PyList_SetItem(buffers, i, PyLong_FromVoidPtr((void *)array->buffers[i]));
    }
    return Py_BuildValue("(LLLNNN)", (long long)array->length, (long long)array->null_count,
                         (long long)array->offset, buffers, children, tree_of_array(array->dictionary));
}

/* take_schema(capsule) -> tree */
static PyObject *take_schema(PyObject *self, PyObject *capsule) {
    (void)self;
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (!schema) {
        return NULL;
    }
    PyObject *tree = tree_of_schema(schema);
    schema->release(schema);
    return tree;
}

static PyObject *taken(struct ArrowArray *array) {
    struct ArrowArray *mine = malloc(sizeof *mine);
    *mine = *array;
    array->release = NULL;
    return Py_BuildValue("(KN)", (unsigned long long)(uintptr_t)mine, tree_of_array(mine));
}

/* take_array(capsule) -> (handle, tree) */
static PyObject *take_array(PyObject *self, PyObject *capsule) {
    (void)self;
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    return array ? taken(array) : NULL;
}

/* take_child(handle, index) -> (handle, tree): of its own from now on */
static PyObject *take_child(PyObject *self, PyObject *args) {
    (void)self;
    unsigned long long handle;
    int index;
    if (!PyArg_ParseTuple(args, "Ki", &handle, &index)) {
        return NULL;
    }
    return taken(((struct ArrowArray *)(uintptr_t)handle)->children[index]);
}

static void call_array(void *array) {
    ((struct ArrowArray *)array)->release(array);
    free(array);
}

/* give_back(handle, foreign_thread) */
static PyObject *give_back(PyObject *self, PyObject *args) {
    (void)self;
    unsigned long long handle;
    int foreign;
    if (!PyArg_ParseTuple(args, "Kp", &handle, &foreign)) {
        return NULL;
    }
    run(call_array, (void *)(uintptr_t)handle, foreign);
    Py_RETURN_NONE;
}

/* take_stream(capsule) -> (schema tree, [(handle, tree)]) */
static PyObject *take_stream(PyObject *self, PyObject *capsule) {
    (void)self;
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (!stream) {
        return NULL;
    }
    struct ArrowSchema schema;
    struct ArrowArray array;
    if (stream->get_schema(stream, &schema) != 0) {
        return PyErr_Format(PyExc_RuntimeError, "get_schema: %s", stream->get_last_error(stream));
    }
    PyObject *tree = tree_of_schema(&schema), *arrays = PyList_New(0);
    schema.release(&schema);
    for (;;) {
        if (stream->get_next(stream, &array) != 0) {
            return PyErr_Format(PyExc_RuntimeError, "get_next: %s", stream->get_last_error(stream));
        }
        if (!array.release) {
            break;
        }
        PyObject *one = taken(&array);
        PyList_Append(arrays, one);
        Py_DECREF(one);
    }
    stream->release(stream);
    return Py_BuildValue("(NN)", tree, arrays);
}

/* address(buffer) -> where its memory is */
static PyObject *address(PyObject *self, PyObject *exporter) {
    (void)self;
    Py_buffer view;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_FULL_RO) < 0) {
        return NULL;
    }
    PyObject *address = PyLong_FromVoidPtr(view.buf);
    PyBuffer_Release(&view);
    return address;
}

static PyMethodDef methods[] = {
    {"log", read_log, METH_NOARGS, "What was released since the last call: (what, interpreter, thread)."},
    {"tensor", tensor, METH_VARARGS, NULL},
    {"take_tensor", take_tensor, METH_O, NULL},
    {"delete_tensor", delete_tensor, METH_VARARGS, NULL},
    {"schema", schema, METH_O, NULL},
    {"array", array, METH_VARARGS, NULL},
    {"stream", stream, METH_VARARGS, NULL},
    {"named", named, METH_O, NULL},
    {"take_schema", take_schema, METH_O, NULL},
    {"take_array", take_array, METH_O, NULL},
    {"take_child", take_child, METH_VARARGS, NULL},
    {"give_back", give_back, METH_VARARGS, NULL},
    {"take_stream", take_stream, METH_O, NULL},
    {"address", address, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "capsules",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_capsules(void) {
    return PyModuleDef_Init(&module);
}
