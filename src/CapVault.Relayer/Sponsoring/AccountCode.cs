using CapVault.Relayer.Chain;
using CapVault.Relayer.Rpc;
using CapVault.Relayer.Storage;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace CapVault.Relayer.Sponsoring;

/// <summary>
/// Looks at the code of accounts that are not ours, behind proxies too. Validation of any code could cost us bundles: it may pass when it is looked at, and
/// fail when it is sent.
/// </summary>
public sealed class AccountCode(Db db, ChainClient chain, SponsorPolicy policy)
{
    // ERC-1167: the implementation's address stands in the code itself; arguments may follow.
    private static readonly byte[] CloneHead = "363d3d373d3d3d363d73".HexToByteArray();
    private static readonly byte[] CloneTail = "5af43d82803e903d91602b57fd5bf3".HexToByteArray();

    // EIP-7702: an EOA that has delegated itself.
    private static readonly byte[] DelegationHead = [0xef, 0x01, 0x00];

    // ERC-1967.
    private const string ImplementationSlot = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";
    private const string BeaconSlot = "0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50";

    /// <summary>Makes sure that the account's code is one that the policy allows; agents' accounts are ours, and so allowed.</summary>
    /// <exception cref="RpcException">−32501: it is another.</exception>
    public async Task RequireAllowedAsync(RpcUserOperation operation, CancellationToken cancellationToken)
    {
        if (policy.IsOpen || await IsOursAsync(operation.Sender, cancellationToken))
        {
            return;
        }

        if (operation.Deploys)
        {
            var factory = operation.InitCode[..20];
            if (!policy.AllowsFactory(factory))
            {
                throw Denied("makes accounts at", factory.ToHex(prefix: true));
            }

            return;
        }

        await RequireAllowedAsync(operation.Sender, isBehindProxy: false, cancellationToken);
    }

    /// <summary>To whom an EOA has delegated itself.</summary>
    /// <exception cref="RpcException">−32602: it has not.</exception>
    public async Task<byte[]> DelegateOfAsync(byte[] sender, CancellationToken cancellationToken)
    {
        var code = await chain.GetCodeAsync(sender.ToHex(prefix: true), cancellationToken);
        return DelegateIn(code) ?? throw RpcException.Invalid("factory", "0x7702", "an account that has delegated itself; this one has not, or not yet");
    }

    private async Task RequireAllowedAsync(byte[] account, bool isBehindProxy, CancellationToken cancellationToken)
    {
        var address = account.ToHex(prefix: true);
        var code = await chain.GetCodeAsync(address, cancellationToken);
        if (!isBehindProxy && (DelegateIn(code) ?? ImplementationIn(code)) is { } behind)
        {
            await RequireAllowedAsync(behind, isBehindProxy: true, cancellationToken);
            return;
        }

        var hash = Sha3Keccack.Current.CalculateHash(code);
        if (!policy.AllowsCode(hash))
        {
            throw Denied("has code with the keccak256", hash.ToHex(prefix: true));
        }

        // A proxy's own code says nothing about what it runs. Only the account's storage counts: an implementation's own slots are not used.
        if (!isBehindProxy)
        {
            await RequireBehindAsync(address, cancellationToken);
        }
    }

    private async Task RequireBehindAsync(string proxy, CancellationToken cancellationToken)
    {
        if ((await chain.GetStorageAsync(proxy, BeaconSlot, cancellationToken)).Any(octet => octet != 0))
        {
            throw Denied("is behind a beacon, at", proxy);
        }

        var implementation = (await chain.GetStorageAsync(proxy, ImplementationSlot, cancellationToken))[^20..];
        if (implementation.Any(octet => octet != 0))
        {
            await RequireAllowedAsync(implementation, isBehindProxy: true, cancellationToken);
        }
    }

    private static byte[]? DelegateIn(byte[] code) => code.Length == 23 && code.AsSpan().StartsWith(DelegationHead) ? code[3..] : null;

    private static byte[]? ImplementationIn(byte[] code) =>
        code.Length >= 45 && code.AsSpan().StartsWith(CloneHead) && code.AsSpan(30, CloneTail.Length).SequenceEqual(CloneTail) ? code[10..30] : null;

    private Task<bool> IsOursAsync(byte[] account, CancellationToken cancellationToken) => db.ReadAsync(
        connection => connection.QueryFirstAsync<bool>("SELECT count(*) FROM agent WHERE account = @account", new { account }), cancellationToken);

    private static RpcException Denied(string what, string found) => new(
        RpcException.Paymaster,
        $"The account {what} {found}, which the sponsor policy does not name. The operator adds it to accountCode or factories.",
        new { code = Sdk.ErrorCodes.SponsorPolicyDenied, found });
}
