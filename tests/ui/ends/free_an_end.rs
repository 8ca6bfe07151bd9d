//! What a channel can do for its ends is not for others to call: giving an end back would make a second consumer.
use annulet::channel::ChannelRef;

fn free<C: ChannelRef>(channel: C) {
    channel.channel().give_back(0b10);
}

fn main() {
    static CHANNEL: annulet::Channel<annulet::Spsc<u32, 4>, annulet::host::Futex> =
        annulet::Channel::new(annulet::Spsc::new(), annulet::host::Futex::new());
    free(&CHANNEL);
}
