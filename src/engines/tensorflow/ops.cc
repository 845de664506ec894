// Operations that TensorFlow has no kernel for on the CPU: each does in one pass over memory, or two, what takes
// TensorFlow several, and memory is what a small network's step waits for. Built into tfjs' addon, they are
// registered when it is loaded. They compute on the thread that calls them; a step is cut into parts that run side by side.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

// What is used of tensorflow/c/kernels.h, which includes a header for GPU plugins that is not installed.
extern "C" {
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;
TF_KernelBuilder* TF_NewKernelBuilder(const char* op_name, const char* device_name,
                                      void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*),
                                      void (*destroy)(void*));
void TF_RegisterKernelBuilder(const char* name, TF_KernelBuilder* builder, TF_Status* status);
void TF_OpKernelConstruction_GetAttrFloat(TF_OpKernelConstruction* construction, const char* name,
                                          float* value, TF_Status* status);
void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction* construction, TF_Status* status);
TF_DataType TF_ExpectedOutputDataType(TF_OpKernelContext* context, int index);
void TF_GetInput(TF_OpKernelContext* context, int index, TF_Tensor** tensor, TF_Status* status);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext* context, int index, TF_DataType dtype,
                             const int64_t* shape, int rank, size_t bytes, TF_Status* status);
void TF_OpKernelContext_Failure(TF_OpKernelContext* context, TF_Status* status);
}

// One build serves every machine that shares a cache folder; the widest vectors are chosen when the addon is loaded.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_EACH_VECTOR_WIDTH __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_VECTOR_WIDTH
#endif

namespace {

using bfloat16 = uint16_t;

inline float widened(bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

// To nearest, ties to even; a NaN stays one.
inline bfloat16 rounded(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  const uint32_t nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return static_cast<bfloat16>(x == x ? nearest : 0x7fc0);
}

FOR_EACH_VECTOR_WIDTH
float SumOf(const bfloat16* x, int64_t count) {
  // As many sums as fit into the registers: one would wait for itself.
  constexpr int kSums = 64;
  float sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (int lane = 0; lane < kSums; ++lane) sums[lane] += widened(x[i + lane]);
  }
  for (; i < count; ++i) sums[i % kSums] += widened(x[i]);
  float sum = 0;
  for (float part : sums) sum += part;
  return sum;
}

// Of RethinkGenApplyMomentum.
struct Settings {
  float momentum = 0;
  float weight_decay = 0;
};

FOR_EACH_VECTOR_WIDTH
void Move(float* __restrict parameter, float* __restrict velocity,
          const bfloat16* __restrict gradient, bfloat16* __restrict copy, int64_t count,
          const Settings& settings, float learning_rate) {
  const auto [momentum, weight_decay] = settings;
  for (int64_t i = 0; i < count; ++i) {
    const float g = widened(gradient[i]) + parameter[i] * weight_decay;
    const float v = velocity[i] * momentum + g;
    const float p = parameter[i] - v * learning_rate;
    velocity[i] = v;
    parameter[i] = p;
    copy[i] = rounded(p);
  }
}

FOR_EACH_VECTOR_WIDTH
void Round(const float* __restrict parameter, bfloat16* __restrict copy, int64_t count) {
  for (int64_t i = 0; i < count; ++i) copy[i] = rounded(parameter[i]);
}

// Sums of a byte and its square fit into 32 bits for so many of them.
constexpr int64_t kBlock = 1 << 15;

FOR_EACH_VECTOR_WIDTH
void Sums(const uint8_t* x, int64_t count, double* sum, double* sum_of_squares) {
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t end = first + kBlock < count ? first + kBlock : count;
    uint32_t block = 0, squares = 0;
    for (int64_t i = first; i < end; ++i) {
      block += x[i];
      squares += static_cast<uint32_t>(x[i]) * x[i];
    }
    *sum += block;
    *sum_of_squares += squares;
  }
}

template <typename X>
inline void SumsOfNumbers(const X* x, int64_t count, double* sum, double* sum_of_squares) {
  constexpr int kLanes = 16;
  double sums[kLanes] = {}, squares[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const double value = x[i + lane];
      sums[lane] += value;
      squares[lane] += value * value;
    }
  }
  for (; i < count; ++i) {
    sums[0] += x[i];
    squares[0] += static_cast<double>(x[i]) * x[i];
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    *sum += sums[lane];
    *sum_of_squares += squares[lane];
  }
}

FOR_EACH_VECTOR_WIDTH
void Sums(const float* x, int64_t count, double* sum, double* sum_of_squares) {
  SumsOfNumbers(x, count, sum, sum_of_squares);
}

FOR_EACH_VECTOR_WIDTH
void Sums(const int32_t* x, int64_t count, double* sum, double* sum_of_squares) {
  SumsOfNumbers(x, count, sum, sum_of_squares);
}

template <typename Y>
Y As(float x);
template <>
inline float As<float>(float x) {
  return x;
}
template <>
inline bfloat16 As<bfloat16>(float x) {
  return rounded(x);
}

template <typename X, typename Y>
inline void Scale(const X* __restrict x, Y* __restrict y, int64_t count, float mean, float factor) {
  for (int64_t i = 0; i < count; ++i) y[i] = As<Y>((static_cast<float>(x[i]) - mean) * factor);
}

#define DEFINE_SCALED(X, Y)                                                               \
  FOR_EACH_VECTOR_WIDTH                                                                   \
  void Scaled(const X* __restrict x, Y* __restrict y, int64_t count, float mean, float factor) { \
    Scale(x, y, count, mean, factor);                                                     \
  }
DEFINE_SCALED(uint8_t, float)
DEFINE_SCALED(uint8_t, bfloat16)
DEFINE_SCALED(float, float)
DEFINE_SCALED(float, bfloat16)
DEFINE_SCALED(int32_t, float)
DEFINE_SCALED(int32_t, bfloat16)
#undef DEFINE_SCALED

template <typename X, typename Y>
void Whiten(const X* x, Y* y, int64_t images, int64_t size) {
  for (int64_t image = 0; image < images; ++image, x += size, y += size) {
    double sum = 0, squares = 0;
    Sums(x, size, &sum, &squares);
    // Of bytes both sums are exact: nothing is lost by the difference.
    const double mean = sum / size;
    const double variance = squares / size - mean * mean;
    const double deviation = std::sqrt(variance > 0 ? variance : 0);
    const double least = 255 / std::sqrt(static_cast<double>(size));
    Scaled(x, y, size, static_cast<float>(mean),
           static_cast<float>(1 / (deviation > least ? deviation : least)));
  }
}

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  TF_Status* get() const { return status_; }
  bool ok() const { return TF_GetCode(status_) == TF_OK; }

 private:
  TF_Status* status_;
};

// An operand or a result; null where there is none.
class Tensor {
 public:
  explicit Tensor(TF_Tensor* tensor) : tensor_(tensor) {}
  ~Tensor() {
    if (tensor_ != nullptr) TF_DeleteTensor(tensor_);
  }
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  explicit operator bool() const { return tensor_ != nullptr; }
  template <typename T>
  T* data() const {
    return static_cast<T*>(TF_TensorData(tensor_));
  }
  int64_t count() const { return TF_TensorElementCount(tensor_); }
  const TF_Tensor* get() const { return tensor_; }

 private:
  TF_Tensor* tensor_;
};

TF_Tensor* Operand(TF_OpKernelContext* context, int index) {
  Status status;
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context, index, &tensor, status.get());
  if (!status.ok()) TF_OpKernelContext_Failure(context, status.get());
  return status.ok() ? tensor : nullptr;
}

// The first result, of the shape of `like`, or a scalar.
TF_Tensor* Result(TF_OpKernelContext* context, TF_DataType dtype, const Tensor* like) {
  constexpr int kMostAxes = 8;
  int64_t shape[kMostAxes];
  const int rank = like == nullptr ? 0 : TF_NumDims(like->get());
  size_t bytes = TF_DataTypeSize(dtype);
  Status status;
  if (rank > kMostAxes) {
    TF_SetStatus(status.get(), TF_INVALID_ARGUMENT, "more than 8 axes");
    TF_OpKernelContext_Failure(context, status.get());
    return nullptr;
  }
  for (int axis = 0; axis < rank; ++axis) {
    shape[axis] = TF_Dim(like->get(), axis);
    bytes *= shape[axis];
  }
  TF_Tensor* tensor = TF_AllocateOutput(context, 0, dtype, shape, rank, bytes, status.get());
  if (!status.ok()) TF_OpKernelContext_Failure(context, status.get());
  return status.ok() ? tensor : nullptr;
}

template <typename Y>
void WhitenTo(const Tensor& images, const Tensor& result) {
  const int64_t count = TF_NumDims(images.get()) == 0 ? 1 : TF_Dim(images.get(), 0);
  if (images.count() == 0) return;
  const int64_t size = images.count() / count;
  switch (TF_TensorType(images.get())) {
    case TF_UINT8:
      return Whiten(images.data<uint8_t>(), result.data<Y>(), count, size);
    case TF_INT32:
      return Whiten(images.data<int32_t>(), result.data<Y>(), count, size);
    default:
      return Whiten(images.data<float>(), result.data<Y>(), count, size);
  }
}

// RethinkGenWhiten: images [b, ...] (bytes, as any of X) -> (x - mean) / max(deviation, 255 / sqrt(n)), with the mean and
// the population's standard deviation of each image's n elements.
void ComputeWhiten(void*, TF_OpKernelContext* context) {
  const Tensor images(Operand(context, 0));
  if (!images) return;
  const TF_DataType dtype = TF_ExpectedOutputDataType(context, 0);
  const Tensor result(Result(context, dtype, &images));
  if (!result) return;
  if (dtype == TF_BFLOAT16) {
    WhitenTo<bfloat16>(images, result);
  } else {
    WhitenTo<float>(images, result);
  }
}

// RethinkGenSum: x (bfloat16) -> the sum of all elements, a float32 scalar, added up in float32.
void ComputeSum(void*, TF_OpKernelContext* context) {
  const Tensor x(Operand(context, 0));
  const Tensor sum(Result(context, TF_FLOAT, nullptr));
  if (x && sum) *sum.data<float>() = SumOf(x.data<bfloat16>(), x.count());
}

// RethinkGenApplyMomentum: v = momentum * v + (g + weight_decay * p), p = p - learning_rate * v, where `apply`; gives p,
// rounded to bfloat16.
// The parameter and its velocity are changed where they are: what is given are reads of two variables, which share
// these variables' memory, and nothing else that reads them may run later.
void* CreateApplyMomentum(TF_OpKernelConstruction* construction) {
  Status status;
  auto* settings = new Settings;
  TF_OpKernelConstruction_GetAttrFloat(construction, "momentum", &settings->momentum, status.get());
  if (status.ok()) {
    TF_OpKernelConstruction_GetAttrFloat(construction, "weight_decay", &settings->weight_decay,
                                         status.get());
  }
  if (!status.ok()) TF_OpKernelConstruction_Failure(construction, status.get());
  return settings;
}

void DeleteApplyMomentum(void* settings) { delete static_cast<Settings*>(settings); }

void ComputeApplyMomentum(void* settings, TF_OpKernelContext* context) {
  const Tensor parameter(Operand(context, 0));
  const Tensor velocity(Operand(context, 1));
  const Tensor gradient(Operand(context, 2));
  const Tensor learning_rate(Operand(context, 3));
  const Tensor apply(Operand(context, 4));
  if (!parameter || !velocity || !gradient || !learning_rate || !apply) return;
  const int64_t count = parameter.count();
  if (velocity.count() != count || gradient.count() != count) {
    Status status;
    TF_SetStatus(status.get(), TF_INVALID_ARGUMENT, "parameter, velocity and gradient differ in size");
    TF_OpKernelContext_Failure(context, status.get());
    return;
  }
  const Tensor copy(Result(context, TF_BFLOAT16, &parameter));
  if (!copy) return;
  if (*apply.data<bool>()) {
    Move(parameter.data<float>(), velocity.data<float>(), gradient.data<bfloat16>(),
         copy.data<bfloat16>(), count, *static_cast<Settings*>(settings),
         *learning_rate.data<float>());
  } else {
    Round(parameter.data<float>(), copy.data<bfloat16>(), count);
  }
}

void Register(TF_OpDefinitionBuilder* op, const char* name, void* (*create)(TF_OpKernelConstruction*),
              void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*)) {
  Status status;
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, &TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(op, status.get());
  if (status.ok()) {
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, destroy),
                             status.get());
  }
  // Nobody is there to be told: a graph that has the operation will be refused by its name.
  if (!status.ok()) std::fprintf(stderr, "%s: %s\n", name, TF_Message(status.get()));
}

__attribute__((constructor)) void RegisterAll() {
  auto* whiten = TF_NewOpDefinitionBuilder("RethinkGenWhiten");
  TF_OpDefinitionBuilderAddInput(whiten, "images: X");
  TF_OpDefinitionBuilderAddOutput(whiten, "whitened: Y");
  TF_OpDefinitionBuilderAddAttr(whiten, "X: {uint8, int32, float}");
  TF_OpDefinitionBuilderAddAttr(whiten, "Y: {float, bfloat16}");
  Register(whiten, "RethinkGenWhiten", nullptr, &ComputeWhiten, nullptr);

  auto* sum = TF_NewOpDefinitionBuilder("RethinkGenSum");
  TF_OpDefinitionBuilderAddInput(sum, "x: bfloat16");
  TF_OpDefinitionBuilderAddOutput(sum, "sum: float");
  Register(sum, "RethinkGenSum", nullptr, &ComputeSum, nullptr);

  auto* move = TF_NewOpDefinitionBuilder("RethinkGenApplyMomentum");
  TF_OpDefinitionBuilderAddInput(move, "parameter: float");
  TF_OpDefinitionBuilderAddInput(move, "velocity: float");
  TF_OpDefinitionBuilderAddInput(move, "gradient: bfloat16");
  TF_OpDefinitionBuilderAddInput(move, "learning_rate: float");
  TF_OpDefinitionBuilderAddInput(move, "apply: bool");
  TF_OpDefinitionBuilderAddOutput(move, "copy: bfloat16");
  TF_OpDefinitionBuilderAddAttr(move, "momentum: float");
  TF_OpDefinitionBuilderAddAttr(move, "weight_decay: float");
  TF_OpDefinitionBuilderSetIsStateful(move, true);
  Register(move, "RethinkGenApplyMomentum", &CreateApplyMomentum, &ComputeApplyMomentum,
           &DeleteApplyMomentum);
}

}  // namespace
