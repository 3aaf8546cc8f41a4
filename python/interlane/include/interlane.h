/* interlane.h: how an extension type says that its objects can be shared between interpreters.
 *
 * A type has a static table of three functions. In the interpreter that owns an object, `acquire` describes the
 * object's memory as areas; in any other, `rebuild` makes an object over the same areas; when the last user of
 * them anywhere has gone, `release` is called back in the owner. The table hangs on the type as a capsule, the
 * class attribute __interlane_c_share__, which needs neither a link to interlane nor an import of it:
 *
 *     static const interlane_type image_table = {
 *         INTERLANE_TYPE_HEAD, "package.module:Image", 0, 3, image_acquire, image_rebuild, image_release,
 *     };
 *     ...
 *     if (interlane_export_type((PyTypeObject *)type, &image_table) < 0) return -1;   // in the module's exec slot
 *
 * C99 and C++11; Python.h is all that it includes, Py_BUILD_CORE is not needed. Nothing here keeps state: the same
 * compiled extension serves any number of interpreters at once, each with its own GIL.
 */
#ifndef INTERLANE_H
#define INTERLANE_H

#include <Python.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when anything below changes. interlane refuses a table of a version that it does not know. */
#define INTERLANE_API_VERSION 1

#define INTERLANE_TYPE_ATTRIBUTE "__interlane_c_share__"
#define INTERLANE_TYPE_CAPSULE "interlane.c_share"
#define INTERLANE_API_CAPSULE "interlane._core._C_API"

/* One area: memory described as in a Py_buffer. It is all zeroes before `acquire` fills it in. */
typedef struct {
    void *data;                /* the first item; may be NULL when nbytes is 0 */
    Py_ssize_t nbytes;         /* of all items together */
    Py_ssize_t itemsize;       /* may be 0 when format is NULL */
    const char *format;        /* as in the module struct; NULL: "B" */
    int ndim;                  /* at most 64; may be 0 when shape is NULL */
    const Py_ssize_t *shape;   /* ndim numbers; NULL: one dimension of nbytes / itemsize items */
    const Py_ssize_t *strides; /* ndim numbers, in bytes; NULL: C-contiguous */
    int readonly;              /* from `acquire`: whether nobody may write; to `rebuild`: whether it may not */
} interlane_area;

/* What a type says. It has to stay where it is until the process ends. */
typedef struct {
    uint32_t version; /* INTERLANE_API_VERSION */
    uint32_t size;    /* sizeof(interlane_type) */
    /* "package.module:Type", both parts dotted if need be: what borrowers import. */
    const char *name;
    uint64_t flags; /* 0 */
    /* How many areas `acquire` fills in at most. No more than 4096. */
    Py_ssize_t max_areas;

    /* In the owner, under its GIL: fills in areas and returns how many; or returns -1 with an exception set. The data
     * has to stay valid and at its address until `release`. What format, shape and strides point to is copied before
     * anything else runs. What is stored in *state, which is NULL, is handed to `release`. `object` is kept alive. */
    Py_ssize_t (*acquire)(PyObject *object, interlane_area *areas, void **state);

    /* In a borrower, under its GIL: returns a new object of `type`, the type by that name in this interpreter, over
     * the areas; or NULL with an exception set. Whatever uses the data has to own a reference to `keeper`, taken
     * with Py_INCREF, for as long: the data goes when its last keeper does. The data is shared; `areas` itself, and
     * what format, shape and strides point to, is valid only during the call. */
    PyObject *(*rebuild)(PyTypeObject *type, const interlane_area *areas, Py_ssize_t count, PyObject *keeper);

    /* In the owner, under its GIL, once for each `acquire` that succeeded, after the last user anywhere; at once when
     * nothing was shared, or when the areas are all borrowed ones, which then go on as such. The areas are as
     * `acquire` left them. Not called when the owner has ended first: then the object, and its memory, stays for
     * good. An exception goes to sys.unraisablehook. May be NULL. */
    void (*release)(PyObject *object, interlane_area *areas, Py_ssize_t count, void *state);
} interlane_type;

/* The first two fields of a table. */
#define INTERLANE_TYPE_HEAD INTERLANE_API_VERSION, (uint32_t)sizeof(interlane_type)

/* Functions of interlane itself: constant, the same for all interpreters. */
typedef struct {
    uint32_t version;
    uint32_t size; /* sizeof(interlane_api) */
    /* For a type without an attribute of its own: remembers its table in this interpreter. 0, or -1 with an
     * exception set. Registering a type again replaces its table. */
    int (*register_type)(PyTypeObject *type, const interlane_type *table);
} interlane_api;

/* A new reference to the capsule that ties a table to a type; NULL with an exception set. The table is used for
 * instances of that type and of its subclasses only. */
static inline PyObject *
interlane_type_capsule(PyTypeObject *type, const interlane_type *table)
{
    PyObject *capsule = PyCapsule_New((void *)table, INTERLANE_TYPE_CAPSULE, NULL);
    if (capsule != NULL && PyCapsule_SetContext(capsule, (void *)type) < 0) {
        Py_DECREF(capsule);
        return NULL;
    }
    return capsule;
}

/* Hangs a table on a type whose attributes can be set. 0, or -1 with an exception set. */
static inline int
interlane_export_type(PyTypeObject *type, const interlane_type *table)
{
    PyObject *capsule = interlane_type_capsule(type, table);
    int answer;
    if (capsule == NULL) {
        return -1;
    }
    answer = PyObject_SetAttrString((PyObject *)type, INTERLANE_TYPE_ATTRIBUTE, capsule);
    Py_DECREF(capsule);
    return answer;
}

/* The functions of interlane, which is imported; NULL with an exception set. The pointer is good in every
 * interpreter, but each has to call this once, so that interlane is there. */
static inline const interlane_api *
interlane_import(void)
{
    const interlane_api *api = (const interlane_api *)PyCapsule_Import(INTERLANE_API_CAPSULE, 0);
    if (api != NULL && (api->version != INTERLANE_API_VERSION || api->size != sizeof(interlane_api))) {
        PyErr_Format(PyExc_ImportError, "this extension was built for version %d of interlane.h, interlane has %d",
                     INTERLANE_API_VERSION, (int)api->version);
        return NULL;
    }
    return api;
}

/* Registers the table of a type that has no attribute of its own: an immutable one, or somebody else's. 0, or -1
 * with an exception set. */
static inline int
interlane_register_type(PyTypeObject *type, const interlane_type *table)
{
    const interlane_api *api = interlane_import();
    return api == NULL ? -1 : api->register_type(type, table);
}

#ifdef __cplusplus
}
#endif

#endif /* INTERLANE_H */
