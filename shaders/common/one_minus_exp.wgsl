// 1 - e^x for x <= 0, without cancellation near 0.
fn one_minus_exp(x: f32) -> f32 {
    if x < -0.5 {
        return 1.0 - exp(x);
    }
    var series = 1.0 + x / 9.0;
    for (var k = 8.0; k > 1.0; k -= 1.0) {
        series = 1.0 + x / k * series;
    }
    return -x * series;
}
