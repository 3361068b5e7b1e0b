// Computes while it is compiled, for some seconds. The compiler's limit on the operations of one
// constant, 33 million, is the ceiling of each.
constexpr unsigned long spin(unsigned long rounds) {
    unsigned long sum = 0;
    for (unsigned long i = 0; i < rounds; ++i) sum += i * i + rounds;
    return sum;
}

template <unsigned long number>
struct Slow {
    static constexpr unsigned long value = spin(200000 + number) ^ Slow<number - 1>::value;
};

template <>
struct Slow<0> {
    static constexpr unsigned long value = 0;
};

static_assert(Slow<3>::value == 1, "BREACH compiled to the end");

int main() {}
