#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <keratin/call_context.hpp>
#include <keratin/error.hpp>
#include <keratin/export.hpp>
#include <keratin/gradients.hpp>
#include <keratin/tensor.hpp>
#include <keratin/value.hpp>

/// C++ functions over Values made callable on arrays, and their derivatives.
///
///   auto f = kt::function([](kt::Value x, kt::Value w) {
///     return ops::sum(ops::matmul(x, w));
///   });
///   kt::Tensor y = f(x, w);                     // traced, compiled, run
///   kt::Tensor dw = kt::grad(f, 1)(x, w);
///   auto [loss, grads] = kt::value_and_grad(f, {0, 1})(x, w);
///   kt::Tensor ddx = kt::grad(kt::grad(g))(x);  // second derivative
///
/// A function takes Values (or one vector of them) and returns one Value or a
/// vector. With a CallContext& first it may also read and assign variables:
///
///   auto step = kt::function([&](kt::CallContext& ctx, kt::Value x) {
///     kt::Value w = ctx.read(weight);
///     kt::Value loss = ops::sum(ops::square(x - w));
///     ctx.assign(weight, w - kt::gradients(loss, {w})[0] * 0.1);
///     return loss;
///   });
namespace keratin {

namespace detail {

/// What kt::function keeps: a body over vectors of values and its programs.
class KERATIN_API TracedFunction {
 public:
  using Body = std::function<std::vector<Value>(
      CallContext&, const std::vector<Value>&)>;

  /// `arity`: how many values the body takes; empty: any number.
  TracedFunction(std::string name, std::optional<std::size_t> arity, Body body);

  /// Runs on arrays, tracing when their types are new.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs) const;

  /// Adds the body's nodes to the graph of the inputs.
  std::vector<Value> inline_into(
      CallContext& ctx, const std::vector<Value>& inputs) const;

  /// As above without a context: the body may read variables, not assign them.
  std::vector<Value> inline_into(const std::vector<Value>& inputs) const;

  /// How many programs are kept: one for each backend and types of inputs, at
  /// most 64, the least recently used going first.
  std::size_t program_count() const;

  const std::optional<std::size_t>& arity() const { return arity_; }

 private:
  struct Programs;

  void check_arity(std::size_t count) const;

  std::string name_;
  std::optional<std::size_t> arity_;
  Body body_;
  std::shared_ptr<Programs> programs_;
};

/// The gradients of a function's scalar result by some arguments, after the
/// result itself when asked for.
KERATIN_API TracedFunction make_gradient(
    const TracedFunction& function,
    std::vector<std::int64_t> argnums,
    bool with_value);

// How the vector of results is handed over.

struct OneResult {
  template <class T>
  static T wrap(std::vector<T> all) {
    return std::move(all[0]);
  }
};

struct ManyResults {
  template <class T>
  static std::vector<T> wrap(std::vector<T> all) {
    return all;
  }
};

struct ValueAndOne {
  template <class T>
  static std::pair<T, T> wrap(std::vector<T> all) {
    return {std::move(all[0]), std::move(all[1])};
  }
};

struct ValueAndMany {
  template <class T>
  static std::pair<T, std::vector<T>> wrap(std::vector<T> all) {
    T value = std::move(all[0]);
    all.erase(all.begin());
    return {std::move(value), std::move(all)};
  }
};

}  // namespace detail

/// What kt::function and kt::grad return. Called on Tensors it runs on the
/// default backend: the first call on inputs of new types traces the C++
/// function and compiles the graph, later ones only run. Called on Values it
/// adds to their graph, so that functions call each other and derivatives of
/// derivatives are taken.
///
/// A handle: copies share their programs. May be called from several threads;
/// programs of one function take turns, tracing too. Two functions that assign
/// the same variable must not run at once.
///
/// Throws InvalidArgument for another number of arguments than the function
/// takes, and what the ops in it throw.
template <class Results>
class Function {
 public:
  explicit Function(detail::TracedFunction traced)
      : traced_(std::move(traced)) {}

  template <class... Args>

  requires((std::same_as<std::remove_cvref_t<Args>, Tensor> && ...)) auto
  operator()(const Args&... args) const {
    return Results::template wrap<Tensor>(traced_.run({args...}));
  }

  auto operator()(const std::vector<Tensor>& args) const {
    return Results::template wrap<Tensor>(traced_.run(args));
  }

  template <class... Args>

  requires(
      sizeof...(Args) > 0 &&
      (std::same_as<std::remove_cvref_t<Args>, Value> && ...)) auto
  operator()(const Args&... args) const {
    return Results::template wrap<Value>(traced_.inline_into({args...}));
  }

  auto operator()(const std::vector<Value>& args) const {
    return Results::template wrap<Value>(traced_.inline_into(args));
  }

  template <class... Args>

  requires((std::same_as<std::remove_cvref_t<Args>, Value> && ...)) auto
  operator()(CallContext& ctx, const Args&... args) const {
    return Results::template wrap<Value>(
        traced_.inline_into(ctx, std::vector<Value>{args...}));
  }

  auto operator()(CallContext& ctx, const std::vector<Value>& args) const {
    return Results::template wrap<Value>(traced_.inline_into(ctx, args));
  }

  /// How many programs are kept: at most 64.
  std::size_t program_count() const { return traced_.program_count(); }

  const detail::TracedFunction& traced() const { return traced_; }

 private:
  detail::TracedFunction traced_;
};

namespace detail {

/// The result and the argument types of a callable, as far as it has one
/// signature.
template <class F>
struct Signature {
  static constexpr bool kKnown = false;
};

template <class R, class... Args>
struct Signature<R (*)(Args...)> {
  static constexpr bool kKnown = true;
  using Arguments = std::tuple<std::remove_cvref_t<Args>...>;
};

template <class R, class C, class... Args>
struct Signature<R (C::*)(Args...) const> : Signature<R (*)(Args...)> {};

template <class R, class C, class... Args>
struct Signature<R (C::*)(Args...)> : Signature<R (*)(Args...)> {};

template <class F>
requires requires {
  &F::operator();
}

struct Signature<F> : Signature<decltype(&F::operator())> {};

template <class T>
struct ArgumentList {
  static constexpr bool kContext = false;
  static constexpr bool kVector = false;
  static constexpr std::size_t kValues = 0;
  static constexpr bool kValid = false;
};

template <class... Args>
struct ArgumentList<std::tuple<Args...>> {
  static constexpr bool kContext = false;
  static constexpr bool kVector = false;
  static constexpr std::size_t kValues = sizeof...(Args);
  static constexpr bool kValid = (std::same_as<Args, Value> && ...);
};

template <>
struct ArgumentList<std::tuple<std::vector<Value>>> {
  static constexpr bool kContext = false;
  static constexpr bool kVector = true;
  static constexpr std::size_t kValues = 0;
  static constexpr bool kValid = true;
};

template <class... Args>
struct ArgumentList<std::tuple<CallContext, Args...>>
    : ArgumentList<std::tuple<Args...>> {
  static constexpr bool kContext = true;
};

/// So many Values.
template <std::size_t... I>
auto values_tuple(std::index_sequence<I...>)
    -> std::tuple<std::enable_if_t<(I >= 0), Value>...>;

/// The arity of a callable with a templated call operator: the first of one to
/// eight Values that it takes.
template <class F, std::size_t N = 1>
consteval std::size_t generic_arity() {
  if constexpr (N > 8) {
    return 0;
  } else {
    constexpr bool kTakes = []<std::size_t... I>(std::index_sequence<I...>) {
      return std::invocable<
          F&,
          std::tuple_element_t<
              I,
              decltype(values_tuple(std::make_index_sequence<N>{}))>...>;
    }
    (std::make_index_sequence<N>{});
    if constexpr (kTakes) {
      return N;
    } else {
      return generic_arity<F, N + 1>();
    }
  }
}

template <class F>
auto arguments_of() {
  if constexpr (Signature<F>::kKnown) {
    return ArgumentList<typename Signature<F>::Arguments>();
  } else {
    constexpr std::size_t kArity = generic_arity<F>();
    static_assert(
        kArity > 0,
        "kt::function takes a callable on kt::Values, or on one "
        "std::vector<kt::Value>, after a kt::CallContext& if it wants one");
    return ArgumentList<decltype(values_tuple(
        std::make_index_sequence<kArity>{}))>();
  }
}

template <class F>
decltype(auto) call_body(
    F& f, CallContext& ctx, const std::vector<Value>& inputs) {
  using List = decltype(arguments_of<F>());
  static_assert(
      List::kValid,
      "kt::function takes a callable on kt::Values, or on one "
      "std::vector<kt::Value>, after a kt::CallContext& if it wants one");
  if constexpr (List::kVector && List::kContext) {
    return f(ctx, inputs);
  } else if constexpr (List::kVector) {
    return f(inputs);
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      if constexpr (List::kContext) {
        return f(ctx, inputs[I]...);
      } else {
        return f(inputs[I]...);
      }
    }
    (std::make_index_sequence<List::kValues>{});
  }
}

template <class T>
struct IsFunction : std::false_type {};

template <class Results>
struct IsFunction<Function<Results>> : std::true_type {};

template <class F>
auto make_function(F f) {
  using List = decltype(arguments_of<F>());
  using Result = std::remove_cvref_t<decltype(call_body(
      f, std::declval<CallContext&>(), std::declval<std::vector<Value>&>()))>;
  constexpr bool kOne = std::same_as<Result, Value>;
  static_assert(
      kOne || std::same_as<Result, std::vector<Value>>,
      "the callable given to kt::function returns a kt::Value or a "
      "std::vector<kt::Value>");
  std::optional<std::size_t> arity;
  if (!List::kVector) arity = List::kValues;
  auto body = [f = std::move(f)](
                  CallContext& ctx, const std::vector<Value>& inputs) mutable {
    if constexpr (kOne) {
      return std::vector<Value>{call_body(f, ctx, inputs)};
    } else {
      return call_body(f, ctx, inputs);
    }
  };
  return Function<std::conditional_t<kOne, OneResult, ManyResults>>(
      TracedFunction("function", arity, std::move(body)));
}

}  // namespace detail

/// Makes a C++ function over Values callable on Tensors: see above.
template <class F>
auto function(F f) {
  if constexpr (detail::IsFunction<F>::value) {
    return f;
  } else {
    return detail::make_function(std::move(f));
  }
}

/// The function that gives the derivative of f's result, a floating-point
/// scalar, by its argument number `argnum`. f is what kt::function takes or
/// returns.
template <class F>
auto grad(const F& f, int argnum = 0) {
  return Function<detail::OneResult>(
      detail::make_gradient(function(f).traced(), {argnum}, false));
}

/// The derivatives by several arguments, in a vector.
template <class F>
auto grad(const F& f, const std::vector<std::int64_t>& argnums) {
  return Function<detail::ManyResults>(
      detail::make_gradient(function(f).traced(), argnums, false));
}

/// As grad, giving a pair: f's result and its derivative (or derivatives).
template <class F>
auto value_and_grad(const F& f, int argnum = 0) {
  return Function<detail::ValueAndOne>(
      detail::make_gradient(function(f).traced(), {argnum}, true));
}

template <class F>
auto value_and_grad(const F& f, const std::vector<std::int64_t>& argnums) {
  return Function<detail::ValueAndMany>(
      detail::make_gradient(function(f).traced(), argnums, true));
}

}  // namespace keratin
