using System.Security.Cryptography;
using CapVault.Relayer;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.Options;
using Nethereum.Signer;

namespace CapVault.Tests.Relayer;

public sealed class KeysTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("capvault-keys-").FullName;
    private Db _db = null!;
    private ApiKeys _keys = null!;

    public async Task InitializeAsync()
    {
        _db = await SqliteDb.OpenAsync(_directory, default);
        _keys = new ApiKeys(_db, new LiveConnections(_db, new Leases(_db, TimeProvider.System), TimeProvider.System, Options.Create(new RelayerOptions())), TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        await _db.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_key_finds_its_owner_and_any_other_key_finds_nobody()
    {
        var path = Path.Combine(_directory, "operator.key");
        await _keys.EnsureOperatorKeyAsync(path, "ohk_test_", default);
        var key = await File.ReadAllTextAsync(path);

        (await _keys.FindAsync(key, default))!.IsOperator.Should().BeTrue();
        (await _keys.FindAsync(key[..^1] + (key[^1] == 'A' ? 'B' : 'A'), default)).Should().BeNull();
        (await _keys.FindAsync(key[..^1], default)).Should().BeNull();
        (await _keys.FindAsync("", default)).Should().BeNull();
        (await _keys.FindAsync("croo_sk_x_y", default)).Should().BeNull();
    }

    [Fact]
    public async Task The_database_holds_no_key_and_the_file_is_for_its_owner_only()
    {
        var path = Path.Combine(_directory, "operator.key");
        await _keys.EnsureOperatorKeyAsync(path, "ohk_test_", default);
        var secret = (await File.ReadAllTextAsync(path)).Split('_', 4)[3];

        await _db.DisposeAsync();
        var stored = await File.ReadAllBytesAsync(Path.Combine(_directory, "relayer.db"));
        System.Text.Encoding.Latin1.GetString(stored).Should().NotContain(secret);
        File.GetUnixFileMode(path).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task The_operators_key_is_made_once()
    {
        var path = Path.Combine(_directory, "operator.key");
        await _keys.EnsureOperatorKeyAsync(path, "ohk_test_", default);
        var first = await File.ReadAllTextAsync(path);
        await _keys.EnsureOperatorKeyAsync(path, "ohk_test_", default);
        (await File.ReadAllTextAsync(path)).Should().Be(first);
    }

    [Fact]
    public async Task When_no_key_may_do_everything_any_more_the_next_start_makes_one()
    {
        var path = Path.Combine(_directory, "operator.key");
        await _keys.EnsureOperatorKeyAsync(path, "ohk_test_", default);
        var first = await File.ReadAllTextAsync(path);
        var weak = await _keys.CreateAsync("ohk_test_", "weak", Scopes.Read | Scopes.Admin, IdempotentCall.Unkeyed, default);
        await _keys.RevokeAsync(first.Split('_')[2], IdempotentCall.Unkeyed, default);

        await _keys.EnsureOperatorKeyAsync(path, "ohk_test_", default);

        var second = await File.ReadAllTextAsync(path);
        second.Should().NotBe(first);
        (await _keys.FindAsync(first, default)).Should().BeNull();
        (await _keys.FindAsync(second, default))!.Scopes.Should().Be(Scopes.All);
        (await _keys.FindAsync(weak.Key, default))!.Scopes.Should().Be(Scopes.Read | Scopes.Admin);
    }

    [Fact]
    public async Task A_revoked_key_finds_nobody()
    {
        var path = Path.Combine(_directory, "operator.key");
        await _keys.EnsureOperatorKeyAsync(path, "ohk_test_", default);
        await _db.WriteAsync(tx => tx.ExecuteAsync("UPDATE api_key SET revoked_at = 1"), default);
        (await _keys.FindAsync(await File.ReadAllTextAsync(path), default)).Should().BeNull();
    }

    [Fact]
    public void An_Executor_key_comes_back_for_its_own_agent_only()
    {
        var executors = Executors(_directory);
        var key = EthECKey.GenerateKey();
        var box = executors.Encrypt("agt_a", key);

        executors.Decrypt("agt_a", box).GetPrivateKey().Should().Be(key.GetPrivateKey());
        FluentActions.Invoking(() => executors.Decrypt("agt_b", box)).Should().Throw<CryptographicException>();
        box[^1] ^= 1;
        FluentActions.Invoking(() => executors.Decrypt("agt_a", box)).Should().Throw<CryptographicException>();
    }

    [Fact]
    public void The_master_key_is_made_once_and_another_one_opens_nothing()
    {
        var key = EthECKey.GenerateKey();
        var box = Executors(_directory).Encrypt("agt_a", key);
        Executors(_directory).Decrypt("agt_a", box).GetPrivateKey().Should().Be(key.GetPrivateKey());

        var other = Directory.CreateTempSubdirectory("capvault-keys-").FullName;
        FluentActions.Invoking(() => Executors(other).Decrypt("agt_a", box)).Should().Throw<CryptographicException>();
        Directory.Delete(other, recursive: true);
    }

    private static ExecutorKeys Executors(string directory) => new(new MasterKey(Options.Create(new RelayerOptions { DataDirectory = directory })));
}
