//! scratch
fn main() {
    let a: Vec<u64> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    for s in corpus::grammar::Stories::new(a[0]).take(a[1] as usize) {
        println!("{s}\n<|endoftext|>");
    }
}
