using CapVault.Relayer.Chain;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>The chain knows more than the database, and is right.</summary>
public sealed class BackupTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task A_restored_backup_catches_up_with_the_chain_and_moves_no_money_twice()
    {
        var pair = await sandbox.NewPairAsync(funds: "5.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        var cursor = (await sandbox.Setup.GetStatusAsync()).EventHead;
        using var backup = new TemporaryFolder();
        await sandbox.Relayer.StopAsync();
        var restore = await sandbox.Relayer.BackUpAsync(backup.Path);
        await sandbox.Relayer.StartAsync();
        await pair.Requester.Client.PayOrderAsync(order.OrderId);
        await pair.DeliverAsync(order.OrderId);
        var forgotten = await pair.CreatePaidOrderAsync();

        await sandbox.Relayer.StopAsync();
        restore();
        await sandbox.Relayer.StartAsync();

        await using var requester = await pair.Requester.ListenAsync(after: EventStream.Oldest);
        await requester.HearAsync(EventType.OrderCompleted, order.OrderId);
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Completed, Pending = (object?)null });
        var lost = async () => await pair.Requester.Client.GetDeliveryAsync(order.OrderId);
        (await lost.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.DeliveryNotFound, "content is off chain, and was written after the backup");
        await requester.HearAsync(EventType.OrderCreated, forgotten.OrderId);
        await Eventually.TrueAsync(
            async () => (await pair.Requester.Client.GetOrderAsync(forgotten.OrderId)).Status == OrderStatus.Paid, "an order that the backup never heard of is known from its logs");
        (await pair.DeliverAsync(forgotten.OrderId)).Status.Should().Be(OrderStatus.Completed);
        (await pair.CompleteOrderAsync()).Status.Should().Be(OrderStatus.Completed, "nonces of lane and accounts are the chain's");
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(2_000_000);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(2_700_000);

        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, pair.Requester.Key);
        await using var socket = stream;
        await stream.SendAsync(new { frame = "subscribe", id = "s", after = cursor });
        (await stream.ReceiveAsync("gap")).GetProperty("reason").GetString().Should().Be(ErrorCodes.CursorExpired, "events after the backup are lost, and whoever counted on them is told");
    }

    [Fact]
    public async Task The_order_book_is_a_function_of_the_logs()
    {
        var pair = await sandbox.NewPairAsync(funds: "10.00", price: "1.00", slaMinutes: 5);
        await pair.CreateOrderAsync();
        await pair.CompleteOrderAsync();
        await pair.Provider.Client.RejectOrderAsync((await pair.CreatePaidOrderAsync()).OrderId, "no");
        await pair.Requester.Client.RejectOrderAsync((await pair.CreateOrderAsync()).OrderId, "no");
        await using var requester = await pair.Requester.ListenAsync();
        var overdue = await pair.CreatePaidOrderAsync();
        await sandbox.Setup.AdvanceClockAsync(301);
        await requester.HearAsync(EventType.OrderExpired, overdue.OrderId);
        var reviewed = await sandbox.NewPairAsync(funds: "2.00", thirdParties: new() { Arbiter = TestKeys.Stranger.GetPublicAddress(), ReviewSeconds = 3600 });
        await reviewed.DeliverAsync((await reviewed.CreatePaidOrderAsync()).OrderId);
        var disputed = await reviewed.CreatePaidOrderAsync();
        await reviewed.Provider.Client.DisputeOrderAsync(disputed.OrderId, "before delivery");
        await reviewed.DeliverAsync(disputed.OrderId);
        await reviewed.Requester.Client.DisputeOrderAsync(disputed.OrderId, "after it");
        var db = sandbox.Relayer.Services.GetRequiredService<Db>();
        var before = await StatesAsync(db);
        var running = await RebuildAsync();
        running.Code.Should().Be(1);
        running.Error.Should().ContainAny("A relayer is following the chain with this database", "is in use by process");

        await sandbox.Relayer.StopAsync();
        var asItIs = await RebuildAsync();
        await sandbox.Relayer.StartAsync();
        db = sandbox.Relayer.Services.GetRequiredService<Db>();
        (await StatesAsync(db)).Should().BeEquivalentTo(before);
        await db.WriteAsync(
            async tx =>
            {
                await tx.ExecuteAsync("UPDATE order_state SET phase = 5 WHERE phase = 6");
                await tx.ExecuteAsync("DELETE FROM order_state WHERE phase = 7");
            },
            CancellationToken.None);
        await sandbox.Relayer.StopAsync();
        var tampered = await RebuildAsync();
        await sandbox.Relayer.StartAsync();

        asItIs.Should().Be((0, $"{before.Count} orders rebuilt from their logs, 0 of them were not as their logs say.\n", ""));
        tampered.Should().Be((0, $"{before.Count} orders rebuilt from their logs, 3 of them were not as their logs say.\n", ""));
        db = sandbox.Relayer.Services.GetRequiredService<Db>();
        before.Should().HaveCountGreaterThanOrEqualTo(7);
        (await StatesAsync(db)).Should().BeEquivalentTo(before);
    }

    private async Task<(int Code, string Output, string Error)> RebuildAsync()
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await RebuildCommand.RunAsync(sandbox.Relayer.Arguments(), output, error, CancellationToken.None);
        return (code, output.ToString(), error.ToString());
    }

    private static Task<List<string>> StatesAsync(Db db) => db.ReadAsync(
        async connection => (await connection.QueryAsync("SELECT * FROM order_state")).Select(row => string.Join(
            '|', ((IDictionary<string, object?>)row).Select(column => $"{column.Key}={(column.Value is byte[] bytes ? Convert.ToHexString(bytes) : column.Value)}"))).ToList(),
        CancellationToken.None);
}
