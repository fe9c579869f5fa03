#pragma once

#include <keratin/metrics/accuracy.hpp>
#include <keratin/metrics/average.hpp>
#include <keratin/metrics/confusion.hpp>
#include <keratin/metrics/metric.hpp>
#include <keratin/metrics/overlap.hpp>
