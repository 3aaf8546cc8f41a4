/* Types that break the rules of interlane.h, one rule each. All have the same functions, which look at the name of
 * the type to know what to do wrong. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <interlane.h>
#include <string.h>

typedef struct {
    PyObject_HEAD
    char data[64];
    PyObject *keeper;
} Object;

/* Of this process, all interpreters together: the tests use one at a time. */
static Py_ssize_t acquired, released;
static char token;

static int
is(PyTypeObject *type, const char *name)
{
    const char *dot = strrchr(type->tp_name, '.');
    return strcmp(dot == NULL ? type->tp_name : dot + 1, name) == 0;
}

static Py_ssize_t
acquire(PyObject *object, interlane_area *areas, void **state)
{
    static const Py_ssize_t wrong[] = {3, 7}, negative[] = {-8, -8}, huge[] = {PY_SSIZE_T_MAX / 2, 4}, strides[] = {1};
    PyTypeObject *type = Py_TYPE(object);
    Py_ssize_t count = 1;
    if (is(type, "acquire_raises")) {
        PyErr_SetString(PyExc_LookupError, "from acquire");
        return -1;
    }
    if (is(type, "acquire_minus_one")) {
        return -1;
    }
    if (is(type, "acquire_minus_seven")) {
        return -7;
    }
    acquired++;
    *state = &token;
    areas[0].data = ((Object *)object)->data;
    areas[0].nbytes = 64;
    if (is(type, "too_many")) {
        for (; count < 9; count++) {
            areas[count] = areas[0];
        }
    }
    if (is(type, "very_many")) {
        count = PY_SSIZE_T_MAX;
    }
    if (is(type, "acquire_raises_too")) {
        PyErr_SetString(PyExc_LookupError, "beside an answer");
    }
    if (is(type, "negative_nbytes")) {
        areas[0].nbytes = -64;
    }
    if (is(type, "null_data")) {
        areas[0].data = NULL;
    }
    if (is(type, "ndim_65")) {
        areas[0].ndim = 65;
        areas[0].shape = wrong; /* of two numbers: not to be read */
    }
    if (is(type, "ndim_negative")) {
        areas[0].ndim = -1;
    }
    if (is(type, "wrong_shape") || is(type, "negative_shape") || is(type, "huge_shape")) {
        areas[0].ndim = 2;
        areas[0].shape = is(type, "wrong_shape") ? wrong : is(type, "huge_shape") ? huge : negative;
    }
    if (is(type, "no_shape")) {
        areas[0].ndim = 2;
    }
    if (is(type, "only_strides")) {
        areas[0].strides = strides;
    }
    if (is(type, "no_itemsize")) {
        areas[0].format = "d";
    }
    if (is(type, "small_items")) { /* a reader of doubles would read beyond the end */
        areas[0].format = "d";
        areas[0].itemsize = 1;
    }
    if (is(type, "odd_items")) {
        areas[0].format = "3s";
        areas[0].itemsize = 3;
    }
    if (is(type, "bad_format")) {
        areas[0].format = "\xff\xfe";
    }
    if (is(type, "empty_format")) {
        areas[0].format = "";
    }
    if (is(type, "nothing")) {
        areas[0].data = NULL;
        areas[0].nbytes = 0;
    }
    if (is(type, "no_areas")) {
        count = 0;
    }
    return count;
}

static PyObject *
rebuild(PyTypeObject *type, const interlane_area *areas, Py_ssize_t count, PyObject *keeper)
{
    PyObject *object;
    if (is(type, "rebuild_null")) {
        return NULL;
    }
    if (is(type, "rebuild_raises")) {
        PyErr_SetString(PyExc_LookupError, "from rebuild");
        return NULL;
    }
    if (is(type, "rebuild_other")) {
        return PyUnicode_FromString("something else");
    }
    object = type->tp_alloc(type, 0);
    if (object == NULL) {
        return NULL;
    }
    if (count > 0 && areas[0].nbytes <= 64) {
        memcpy(((Object *)object)->data, areas[0].data, (size_t)areas[0].nbytes);
    }
    Py_INCREF(keeper);
    ((Object *)object)->keeper = keeper;
    if (is(type, "rebuild_raises_too")) {
        PyErr_SetString(PyExc_LookupError, "beside an object");
    }
    return object;
}

static void
release(PyObject *object, interlane_area *areas, Py_ssize_t count, void *state)
{
    if (state == &token && (count == 0 || areas[0].data != NULL || is(Py_TYPE(object), "nothing") ||
                            is(Py_TYPE(object), "null_data"))) {
        released++;
    }
    if (is(Py_TYPE(object), "release_raises")) {
        PyErr_SetString(PyExc_LookupError, "from release");
    }
}

#define V INTERLANE_API_VERSION
#define S ((uint32_t)sizeof(interlane_type))
#define GOOD(name) {#name, {V, S, "hostile:" #name, 0, 1, acquire, rebuild, release}}

static const struct {
    const char *name;
    interlane_type table;
} types[] = {
    {"too_old", {0, S, "hostile:x", 0, 1, acquire, rebuild, release}},
    {"too_new", {V + 1, S, "hostile:x", 0, 1, acquire, rebuild, release}},
    {"too_small", {V, 8, "hostile:x", 0, 1, acquire, rebuild, release}},
    {"too_large", {V, S + 8, "hostile:x", 0, 1, acquire, rebuild, release}},
    {"no_name", {V, S, NULL, 0, 1, acquire, rebuild, release}},
    {"bad_name", {V, S, "hostile.x", 0, 1, acquire, rebuild, release}},
    {"empty_name", {V, S, "hostile:", 0, 1, acquire, rebuild, release}},
    {"odd_name", {V, S, "hostile..x:y:z", 0, 1, acquire, rebuild, release}},
    {"flags", {V, S, "hostile:x", 6, 1, acquire, rebuild, release}},
    {"negative_areas", {V, S, "hostile:x", 0, -1, acquire, rebuild, release}},
    {"endless_areas", {V, S, "hostile:x", 0, PY_SSIZE_T_MAX, acquire, rebuild, release}},
    {"no_acquire", {V, S, "hostile:x", 0, 1, NULL, rebuild, release}},
    {"no_rebuild", {V, S, "hostile:x", 0, 1, acquire, NULL, release}},
    GOOD(good), GOOD(acquire_raises), GOOD(acquire_minus_one), GOOD(acquire_minus_seven), GOOD(acquire_raises_too),
    GOOD(too_many), GOOD(very_many), GOOD(negative_nbytes), GOOD(null_data), GOOD(ndim_65), GOOD(ndim_negative),
    GOOD(wrong_shape), GOOD(negative_shape), GOOD(huge_shape), GOOD(no_shape), GOOD(only_strides), GOOD(no_itemsize),
    GOOD(small_items), GOOD(odd_items), GOOD(bad_format), GOOD(empty_format),
    GOOD(rebuild_null), GOOD(rebuild_raises), GOOD(rebuild_other), GOOD(rebuild_raises_too),
    GOOD(release_raises), GOOD(nothing), GOOD(no_areas),
    {"no_release", {V, S, "hostile:no_release", 0, 1, acquire, rebuild, NULL}},
    {"nowhere", {V, S, "not_a_module:Type", 0, 1, acquire, rebuild, release}},
    {"no_type", {V, S, "hostile:counts", 0, 1, acquire, rebuild, release}},
    {"no_table", {V, S, "builtins:int", 0, 1, acquire, rebuild, release}},
    {"other_table", {V, S, "hostile:Thief", 0, 1, acquire, rebuild, release}},
    {NULL, {0, 0, NULL, 0, 0, NULL, NULL, NULL}},
};

static const interlane_type immutable_table = {V, S, "hostile:Immutable", 0, 1, acquire, rebuild, release};

static void
dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((Object *)self)->keeper);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
counts(PyObject *module, PyObject *args)
{
    (void)module, (void)args;
    return Py_BuildValue("nn", acquired, released);
}

/* Registers the type by the table of that name, or by a good one. */
static PyObject *
register_as(PyObject *module, PyObject *args)
{
    PyObject *type;
    const char *name = NULL;
    const interlane_type *table = &immutable_table;
    int i;
    (void)module;
    if (!PyArg_ParseTuple(args, "O|s", &type, &name)) {
        return NULL;
    }
    for (i = 0; name != NULL && types[i].name != NULL; i++) {
        if (strcmp(types[i].name, name) == 0) {
            table = &types[i].table;
        }
    }
    if (name != NULL && strcmp(name, "null") == 0) {
        table = NULL;
    }
    if (interlane_register_type((PyTypeObject *)(type == Py_None ? NULL : type), table) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"counts", counts, METH_NOARGS, "Calls of acquire that succeeded, and of release."},
    {"register", register_as, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot type_slots[] = {{Py_tp_dealloc, (void *)dealloc}, {0, NULL}};

static int
add(PyObject *module, const char *name, unsigned int flags, const interlane_type *table)
{
    char full[64];
    PyType_Spec spec = {full, sizeof(Object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, type_slots};
    PyObject *type;
    int answer = 0;
    spec.flags |= flags;
    PyOS_snprintf(full, sizeof(full), "hostile.%s", name);
    type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL || (table != NULL && interlane_export_type((PyTypeObject *)type, table) < 0) ||
        PyModule_AddType(module, (PyTypeObject *)type) < 0) {
        answer = -1;
    }
    Py_XDECREF(type);
    return answer;
}

static int
execute(PyObject *module)
{
    int i;
    for (i = 0; types[i].name != NULL; i++) {
        if (add(module, types[i].name, 0, &types[i].table) < 0) {
            return -1;
        }
    }
    return add(module, "Immutable", Py_TPFLAGS_IMMUTABLETYPE, NULL);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)execute},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "hostile", NULL, 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit_hostile(void)
{
    return PyModuleDef_Init(&definition);
}
