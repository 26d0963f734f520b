using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Handlers of an agent's stream.</summary>
public sealed class HandlerTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR36_A_handler_that_throws_disturbs_no_other()
    {
        var pair = await sandbox.NewPairAsync();
        var surfaced = new TaskCompletionSource<StreamErrorEventArgs>(TaskCreationOptions.RunContinuationsAsynchronously);
        var handled = new TaskCompletionSource<CapEvent>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stream = await pair.Provider.Client.ConnectWebSocketAsync();
        stream.Error += (_, e) => surfaced.TrySetResult(e);
        stream.On(EventType.OrderPaid, _ => throw new InvalidOperationException("the first handler is broken"));
        stream.On(EventType.OrderPaid, e =>
        {
            handled.TrySetResult(e);
            return Task.CompletedTask;
        });

        var order = await pair.CreatePaidOrderAsync();

        (await handled.Task.WaitAsync(TimeSpan.FromSeconds(30))).OrderId.Should().Be(order.OrderId);
        var error = await surfaced.Task.WaitAsync(TimeSpan.FromSeconds(30));
        error.Exception.Should().BeOfType<InvalidOperationException>().Which.Message.Should().Be("the first handler is broken");
        error.Event!.OrderId.Should().Be(order.OrderId);
        error.IsFinal.Should().BeFalse();
    }

    [Fact]
    public async Task A_stream_goes_on_after_the_last_event_that_was_handled()
    {
        var pair = await sandbox.NewPairAsync();
        var first = await pair.NegotiateAsync();
        string cursor;
        await using (var before = await pair.Provider.ListenAsync(after: EventStream.Oldest))
        {
            await before.HearAsync(EventType.NegotiationCreated, first.NegotiationId);
            var second = await pair.NegotiateAsync();
            await before.HearAsync(EventType.NegotiationCreated, second.NegotiationId);
            await Eventually.TrueAsync(() => Task.FromResult(before.Stream.Cursor == before.Heard[^1].Cursor), "the handler has returned");
            cursor = before.Stream.Cursor;
        }

        var third = await pair.NegotiateAsync();
        await using var after = await pair.Provider.ListenAsync(after: cursor);
        await after.HearAsync(EventType.NegotiationCreated, third.NegotiationId);

        after.Heard.Should().ContainSingle("what was handled does not come again");
    }
}
