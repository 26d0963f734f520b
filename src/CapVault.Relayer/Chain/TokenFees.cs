using System.Numerics;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;

namespace CapVault.Relayer.Chain;

/// <summary>What the vault takes of new orders, asked from itself: its owner may change it at any time.</summary>
public sealed class TokenFees(ChainClient chain, ChainContext context)
{
    private const int Bps = 10_000;

    /// <summary>The vault's settings of a token.</summary>
    public Task<TokenConfigOutputDTO> OfAsync(string token, CancellationToken cancellationToken) =>
        chain.QueryManyAsync<TokenConfigFunction, TokenConfigOutputDTO>(context.Vault, new TokenConfigFunction { Token = token }, cancellationToken);

    /// <summary>Of every token that services are priced in.</summary>
    public async Task<IReadOnlyList<TokenFee>> ListAsync(CancellationToken cancellationToken)
    {
        var config = await OfAsync(context.Usdc, cancellationToken);
        var treasury = await chain.QueryAsync<TreasuryFunction, string>(context.Vault, new TreasuryFunction(), cancellationToken);
        return [new TokenFee { Token = context.Usdc, Enabled = config.Enabled, MinFeeBps = config.MinFeeBps, Treasury = treasury }];
    }

    /// <summary>The fee or commission of a price, rounded down as the vault does.</summary>
    public static BigInteger Of(BigInteger price, int bps) => price * bps / Bps;
}
