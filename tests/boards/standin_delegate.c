/* A stand-in for libethosu_delegate.so on boards without an NPU: claims every custom operator `ethos-u` that Vela wrote and
 * sends its command stream, constants and inputs to the project's simulator, which listens on the "device", a Unix socket.
 *
 * The declarations are our own minimal ones of TFLite's C ABI (tensorflow/lite/core/c/common.h), in which fields are only ever
 * appended. Options: device_name (default /dev/ethosu0), enable_cycle_counter (true: prints what NXP's delegate prints), and
 * for tests of the placement gate: claim (false: claims nothing, as a delegate does that does not know the model),
 * counter (frozen: the counter stands still, as when a CPU fallback did the work); for measurements of what lies around an
 * inference: pause_ms (each inference takes so much longer, without a processor's help).
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, FAILED = 1 };
enum { ALLOW_DYNAMIC_TENSORS = 1 }; /* else TFLite prepares the original operators first and stops at `ethos-u` */
enum { COMMANDS, CONSTANTS, SCRATCH, FAST_SCRATCH, FIRST_INPUT };

typedef struct { int size; int data[]; } IntArray;

typedef struct {
  int type;
  void *data;
  IntArray *dims;
  struct { float scale; int32_t zero_point; } params;
  int allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  void *delegate;
  int buffer_handle;
  bool data_is_stale, is_variable;
  struct { int type; void *params; } quantization;
  void *sparsity;
  const IntArray *dims_signature;
} Tensor;

typedef struct {
  IntArray *inputs, *outputs, *intermediates, *temporaries;
  void *user_data, *builtin_data;
  const void *custom_initial_data;
  int custom_initial_data_size;
  void *delegate;
  bool might_have_side_effect;
} Node;

struct Context;
typedef struct Registration {
  void *(*init)(struct Context *, const char *, size_t);
  void (*free)(struct Context *, void *);
  int (*prepare)(struct Context *, Node *);
  int (*invoke)(struct Context *, Node *);
  const char *(*profiling_string)(const struct Context *, const Node *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
  void *external, *async;
  uint64_t inplace;
  uint64_t later_fields[8];
} Registration;

typedef struct Delegate {
  void *data;
  int (*prepare)(struct Context *, struct Delegate *);
  void *copy_from, *copy_to, *free_buffer;
  int64_t flags;
  void *opaque_builder;
  void *later_fields[4];
} Delegate;

typedef struct Context {
  size_t tensors_size;
  int (*get_execution_plan)(struct Context *, IntArray **);
  Tensor *tensors;
  void *impl, *resize_tensor;
  void (*report_error)(struct Context *, const char *, ...);
  void *add_tensors;
  int (*get_node)(struct Context *, int, Node **, Registration **);
  int (*replace_nodes)(struct Context *, Registration, const IntArray *, Delegate *);
  int threads;
  void *get_external, *set_external;
  bool allow_fp16;
  void *profiler, *allocate_persistent, *allocate_eval, *request_scratch, *get_scratch, *resize_explicit, *preview, *get_tensor,
      *get_eval_tensor;
  int (*get_model_metadata)(const struct Context *, const char *, const char **, size_t *);
} Context;

typedef struct { Delegate *delegate; IntArray *nodes, *inputs, *outputs; } DelegateParams;

typedef struct { char device[108]; bool claim, print_counter, counter_frozen; int pause_ms; } Options;

typedef struct { Options *options; int socket; int scratch[2]; int input_count, output_count; int inputs[64], outputs[64]; } Kernel;

static bool send_all(int socket, const void *data, size_t size) {
  const char *at = data;
  while (size) {
    ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    size -= (size_t)sent;
  }
  return true;
}

static bool receive_all(int socket, void *data, size_t size) {
  char *at = data;
  while (size) {
    ssize_t got = recv(socket, at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= (size_t)got;
  }
  return true;
}

/* A message is a number of parts (uint32), then each part as its length (uint64) and its bytes. */
static bool send_part(int socket, const void *data, uint64_t size) {
  return send_all(socket, &size, sizeof size) && (!size || send_all(socket, data, size));
}

/* Receives the text part that opens every answer: "ok NUMBER" or the reason of a refusal. */
static bool receive_status(Context *context, int socket, long *number) {
  uint32_t parts;
  uint64_t size;
  char text[512] = {0};
  if (!receive_all(socket, &parts, sizeof parts) || !receive_all(socket, &size, sizeof size) || size >= sizeof text ||
      !receive_all(socket, text, size)) {
    context->report_error(context, "stand-in: the device ended the connection");
    return false;
  }
  if (sscanf(text, "ok %ld", number) == 1) return true;
  context->report_error(context, "stand-in: %s", text);
  return false;
}

static int connect_device(Context *context, const char *device) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", device);
  int found = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (found >= 0 && connect(found, (struct sockaddr *)&address, sizeof address)) {
    close(found);
    found = -1;
  }
  if (found < 0) context->report_error(context, "stand-in: cannot open %s: %s", device, strerror(errno));
  return found;
}

/* Where tensors lie in the arena: Vela's metadata, version, subgraph, count, then one int32 per tensor. */
static int offset_of(Context *context, int tensor) {
  const char *data = NULL;
  size_t bytes = 0;
  int32_t offset = -1;
  if (!context->get_model_metadata || context->get_model_metadata(context, "OfflineMemoryAllocation", &data, &bytes) != OK) return -1;
  if ((size_t)(tensor + 4) * 4 <= bytes) memcpy(&offset, data + (size_t)(tensor + 3) * 4, 4);
  return offset;
}

static void describe(Context *context, const char *kind, int index, char *text, size_t room) {
  Tensor *tensor = &context->tensors[index];
  size_t used = strlen(text);
  used += (size_t)snprintf(text + used, room - used, "%s %d %d %d", kind, index, tensor->type, offset_of(context, index));
  for (int i = 0; tensor->dims && i < tensor->dims->size && used < room; i++)
    used += (size_t)snprintf(text + used, room - used, " %d", tensor->dims->data[i]);
  if (used < room) snprintf(text + used, room - used, "\n");
}

static void *kernel_init(Context *context, const char *buffer, size_t unused) {
  (void)unused;
  const DelegateParams *params = (const DelegateParams *)buffer;
  Node *node;
  Registration *registration;
  if (params->nodes->size != 1 || context->get_node(context, params->nodes->data[0], &node, &registration) != OK ||
      node->inputs->size < FIRST_INPUT || node->inputs->size > 64 || node->outputs->size > 64) {
    context->report_error(context, "stand-in: expected one ethos-u operator per partition");
    return NULL;
  }
  Kernel *kernel = calloc(1, sizeof *kernel);
  kernel->options = params->delegate->data;
  kernel->socket = -1;
  char *text = calloc(1, 1 << 16);
  const int *inputs = node->inputs->data;
  kernel->scratch[0] = inputs[SCRATCH];
  kernel->scratch[1] = inputs[FAST_SCRATCH];
  for (int i = 0; i < FIRST_INPUT; i++) describe(context, "region", inputs[i], text, 1 << 16);
  for (int i = FIRST_INPUT; i < node->inputs->size; i++)
    describe(context, "input", kernel->inputs[kernel->input_count++] = inputs[i], text, 1 << 16);
  for (int i = 0; i < node->outputs->size; i++)
    describe(context, "output", kernel->outputs[kernel->output_count++] = node->outputs->data[i], text, 1 << 16);
  Tensor *commands = &context->tensors[inputs[COMMANDS]], *constants = &context->tensors[inputs[CONSTANTS]];
  uint32_t parts = 3;
  long number;
  kernel->socket = connect_device(context, kernel->options->device);
  bool fine = kernel->socket >= 0 && send_all(kernel->socket, &parts, sizeof parts) &&
              send_part(kernel->socket, text, strlen(text)) && send_part(kernel->socket, commands->data, commands->bytes) &&
              send_part(kernel->socket, constants->data, constants->bytes) && receive_status(context, kernel->socket, &number);
  free(text);
  if (fine) return kernel;
  if (kernel->socket >= 0) close(kernel->socket);
  free(kernel);
  return NULL;
}

static void kernel_free(Context *context, void *data) {
  (void)context;
  Kernel *kernel = data;
  if (kernel) close(kernel->socket);
  free(kernel);
}

/* Vela's scratch tensors are arena inputs that nobody produces. The device owns that memory: TFLite must not ask for it. */
static int kernel_prepare(Context *context, Node *node) {
  Kernel *kernel = node->user_data;
  if (!kernel) return FAILED;
  for (int i = 0; i < 2; i++) {
    Tensor *tensor = &context->tensors[kernel->scratch[i]];
    if (!tensor->data) {
      tensor->allocation_type = 0;
      tensor->bytes = 0;
    }
  }
  return OK;
}

static int kernel_invoke(Context *context, Node *node) {
  Kernel *kernel = node->user_data;
  uint32_t parts = (uint32_t)kernel->input_count;
  bool fine = send_all(kernel->socket, &parts, sizeof parts);
  for (int i = 0; fine && i < kernel->input_count; i++) {
    Tensor *tensor = &context->tensors[kernel->inputs[i]];
    fine = send_part(kernel->socket, tensor->data, tensor->bytes);
  }
  long counter;
  if (!receive_status(context, kernel->socket, &counter)) return FAILED;
  for (int i = 0; i < kernel->output_count; i++) {
    Tensor *tensor = &context->tensors[kernel->outputs[i]];
    uint64_t size;
    if (!receive_all(kernel->socket, &size, sizeof size) || size != tensor->bytes ||
        !receive_all(kernel->socket, tensor->data, size)) {
      context->report_error(context, "stand-in: an output of another size");
      return FAILED;
    }
  }
  const struct timespec pause = {kernel->options->pause_ms / 1000, kernel->options->pause_ms % 1000 * 1000000L};
  if (kernel->options->pause_ms > 0) nanosleep(&pause, NULL);
  if (kernel->options->print_counter) printf("Ethos-u cycle counter: %ld\n", kernel->options->counter_frozen ? 0 : counter);
  return OK;
}

static int delegate_prepare(Context *context, Delegate *delegate) {
  const Options *options = delegate->data;
  IntArray *plan;
  if (context->get_execution_plan(context, &plan) != OK) return FAILED;
  IntArray *claimed = calloc(1, sizeof(IntArray) + (size_t)plan->size * sizeof(int));
  for (int i = 0; options->claim && i < plan->size; i++) {
    Node *node;
    Registration *registration;
    if (context->get_node(context, plan->data[i], &node, &registration) == OK && registration->custom_name &&
        !strcmp(registration->custom_name, "ethos-u"))
      claimed->data[claimed->size++] = plan->data[i];
  }
  Registration kernel = {.init = kernel_init, .free = kernel_free, .prepare = kernel_prepare, .invoke = kernel_invoke,
                         .custom_name = "EthosuStandIn", .version = 1};
  int status = claimed->size ? context->replace_nodes(context, kernel, claimed, delegate) : OK;
  free(claimed);
  return status;
}

static bool set_option(Options *options, const char *key, const char *value) {
  if (!strcmp(key, "device_name")) snprintf(options->device, sizeof options->device, "%s", value);
  else if (!strcmp(key, "enable_cycle_counter")) options->print_counter = !strcmp(value, "true");
  else if (!strcmp(key, "claim")) options->claim = !strcmp(value, "true");
  else if (!strcmp(key, "pause_ms")) options->pause_ms = atoi(value);
  else if (!strcmp(key, "counter")) options->counter_frozen = !strcmp(value, "frozen");
  else return false;
  return true;
}

__attribute__((visibility("default"))) void *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                                                          void (*report)(const char *)) {
  Options *options = calloc(1, sizeof *options);
  Delegate *delegate = calloc(1, sizeof *delegate);
  *options = (Options){.device = "/dev/ethosu0", .claim = true};
  *delegate = (Delegate){.data = options, .prepare = delegate_prepare, .flags = ALLOW_DYNAMIC_TENSORS};
  for (size_t i = 0; i < count; i++) {
    if (set_option(options, keys[i], values[i])) continue;
    char text[256];
    snprintf(text, sizeof text, "stand-in: unknown option %s", keys[i]);
    if (report) report(text);
    free(options);
    free(delegate);
    return NULL;
  }
  return delegate;
}

__attribute__((visibility("default"))) void tflite_plugin_destroy_delegate(void *found) {
  Delegate *delegate = found;
  if (!delegate) return;
  free(delegate->data);
  free(delegate);
}
